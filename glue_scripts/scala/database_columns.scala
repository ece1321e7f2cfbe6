/** The columns of a staging table and of the table it goes to: do they fit, and which one does not. */
object DatabaseColumns {
  private val Types = Map( // Spark's type: PostgreSQL's
    "string" -> "text",
    "boolean" -> "boolean",
    "tinyint" -> "smallint",
    "smallint" -> "smallint",
    "int" -> "integer",
    "bigint" -> "bigint",
    "float" -> "real",
    "double" -> "double precision",
    "date" -> "date",
    "timestamp" -> "timestamp with time zone",
    "timestamp_ntz" -> "timestamp without time zone",
    "binary" -> "bytea"
  )
  private val Whole = Seq("smallint", "integer", "bigint")
  private val Fractions = Seq("real", "double precision", "numeric")

  /** Column -> PostgreSQL's type. Throws JobError for a type that no column of a database has. */
  def staged(frame: DataFrame): ListMap[String, String] =
    ListMap(frame.schema.map(field => field.name -> typeOf(field.name, field.dataType)): _*)

  private def typeOf(name: String, type_ : DataType): String = type_ match {
    case decimal: DecimalType => s"numeric(${decimal.precision},${decimal.scale})"
    case other => Types.getOrElse(other.catalogString, throw new JobError(
        s"column $name is ${other.catalogString}, which a database has not. Add: map: {add: {$name: to_json($name)}}"
      ))
  }

  /** Column -> type of a table that is there, else nothing. Types have no length; all kinds of text are text. */
  def of(session: Session, table: String): ListMap[String, String] = {
    val found = session.rows(
      "SELECT attname, CASE typcategory WHEN 'S' THEN 'text' ELSE format_type(atttypid, NULL) END " +
        "FROM pg_attribute JOIN pg_type ON pg_type.oid = atttypid " +
        "WHERE attrelid = to_regclass(?) AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
      Quoted.table(table)
    )
    ListMap(found.map { case List(name, type_) => name -> type_ }: _*)
  }

  /** The columns there that are meant by names: with the same letters, or else whatever their case.
    *
    * Throws JobError for a name that is none of them.
    */
  def matched(names: Iterable[String], there: Iterable[String]): Seq[String] = {
    val known = (there.map(name => name.toLowerCase -> name) ++ there.map(name => name -> name)).toMap
    def lower(name: String) = known.getOrElse(name.toLowerCase, throw Errors.missingColumn(name, there, "the table"))
    names.toSeq.map(name => known.getOrElse(name, lower(name)))
  }

  /** Throw JobError for a column that the table does not have, or that the table would round. */
  def checkFit(types: ListMap[String, String], there: ListMap[String, String]): Unit =
    for (((name, type_), known) <- types.toSeq.zip(matched(types.keys, there.keys)))
      if (Whole.contains(there(known)) && Fractions.exists(type_.startsWith))
        throw new JobError(
          s"column $name is $type_ in the data and ${there(known)} in the table. Cast it in a map step"
        )

  /** Throw JobError unless a unique index has just these columns. */
  def checkUnique(session: Session, table: String, keys: Seq[String]): Unit = {
    val unique = session.rows(
      "SELECT string_agg(attname, ',' ORDER BY attname) FROM pg_index JOIN pg_attribute ON attrelid = indrelid " +
        "AND attnum = ANY (indkey) WHERE indrelid = to_regclass(?) AND indisunique AND indpred IS NULL " +
        "GROUP BY indexrelid",
      Quoted.table(table)
    )
    if (keys.nonEmpty && !unique.contains(List(keys.sorted.mkString(","))))
      throw new JobError(
        s"an upsert by ${keys.mkString(", ")} needs a unique index of just these columns. Create it first"
      )
  }

  /** Throw JobError for a key that is null, and for one that two rows have: either of them could stay. */
  def checkKeys(session: Session, staging: String, keys: Seq[String]): Unit = if (keys.nonEmpty) {
    val (listed, rows, shown) = (Quoted.columns(keys), Quoted.table(staging), keys.mkString(", "))
    val isNull = keys.map(key => s"${Quoted.column(key)} IS NULL").mkString(" OR ")
    for (number <- session.rows(s"SELECT count(*) FROM $rows WHERE $isNull HAVING count(*) > 0").flatten)
      throw new JobError(s"$number rows have no value in a key column ($shown). Filter or fill them")
    val twice = s"SELECT $listed, count(*) FROM $rows GROUP BY $listed HAVING count(*) > 1 ORDER BY $listed LIMIT 1"
    for (found <- session.rows(twice)) {
      val key = keys.zip(found).map { case (name, value) => s"$name '$value'" }.mkString(", ")
      throw new JobError(s"${found.last} rows have the key $key. Add a step before it, dedupe: {by: [$shown]}")
    }
  }

  /** A staged value as the table takes it: only texts must be told what they are. */
  def value(name: String, staged: String, there: String): String =
    if (staged == "text" && there != "text") s"CAST(${Quoted.column(name)} AS $there)" else Quoted.column(name)

  /** `column x: ` of the first column whose staged values its column in the table cannot hold; or nothing. */
  def culprit(session: Session, staging: String, table: String, types: ListMap[String, String]): String = {
    val there = of(session, table)
    def fits(name: String, into: String): Boolean =
      try {
        session.transaction {
          val like = s"SELECT ${Quoted.column(into)} FROM ${Quoted.table(table)} WITH NO DATA"
          session.execute(s"CREATE TEMPORARY TABLE _lake_one ON COMMIT DROP AS $like")
          val taken = value(name, types(name), there(into))
          session.execute(s"INSERT INTO _lake_one SELECT $taken FROM ${Quoted.table(staging)}")
        }
        true
      } catch { case _: Refused => false }
    val columns = if (there.isEmpty) Nil else types.keys.toSeq.zip(matched(types.keys, there.keys))
    columns.collectFirst { case (name, into) if !fits(name, into) => s"column $name: " }.getOrElse("")
  }
}

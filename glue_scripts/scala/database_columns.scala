/** Checks that the columns of a staging table arrive unchanged in the table they go to. */
object DatabaseColumns {
  private val postgres = Connector.PostgreSql
  private val WithADay = Seq("DateType", "TimestampType", "TimestampNTZType")

  /** Column -> PostgreSQL type. Throws JobError for a type that PostgreSQL does not have. */
  def staged(frame: DataFrame): ListMap[String, String] =
    ListMap(frame.schema.map(field => field.name -> typeOf(field.name, field.dataType)): _*)

  private def typeOf(name: String, type_ : DataType): String = type_ match {
    case decimal: DecimalType => s"numeric(${decimal.precision},${decimal.scale})"
    case other => postgres.types.getOrElse(other.catalogString, throw new JobError(
        s"column $name is ${other.catalogString}, which PostgreSQL lacks. Add: map: {add: {$name: to_json($name)}}"
      ))
  }

  /** The frame; a day or time in the ten days that Java's calendar lacks fails, as the driver would move it. */
  def withoutLostDays(frame: DataFrame, table: String): DataFrame = {
    val names = frame.dtypes.collect { case (name, type_) if WithADay.contains(type_) => name }
    frame.withColumns(ListMap(names.map(name => name -> unlessLost(name, table)): _*))
  }

  private def unlessLost(name: String, table: String): Column = {
    val value = Names.column(name)
    val wayOut = " is between 5 and 14 October 1582, days that Java's calendar lacks. Cast it to string in a map step"
    val message = concat(lit(s"sink $table: column $name: "), value.cast("string"), lit(wayOut))
    val lost = value.cast("date").between("1582-10-05", "1582-10-14")
    when(lost, Errors.failure(message)).otherwise(value)
  }

  /** The table's columns that the names refer to: by the same case, else by any case.
    *
    * Throws JobError for a name that matches no column.
    */
  def matched(names: Iterable[String], there: Iterable[String]): Seq[String] = {
    val known = (there.map(name => name.toLowerCase -> name) ++ there.map(name => name -> name)).toMap
    def lower(name: String) = known.getOrElse(name.toLowerCase, throw Errors.missingColumn(name, there, "the table"))
    names.toSeq.map(name => known.getOrElse(name, lower(name)))
  }

  /** Throw JobError for a column that the table does not have, or whose type does not convert to the table's. */
  def checkFit(session: Session, types: ListMap[String, String], there: ListMap[String, DatabaseType]): Unit = {
    val meant = mutable.Map.empty[String, String]
    for (((name, type_), known) <- types.toSeq.zip(matched(types.keys, there.keys))) {
      val other = meant.getOrElseUpdate(known, name)
      if (other != name)
        throw new JobError(s"the columns $other and $name are both $known in the table. Drop one of them in a step")
      val into = there(known).plain
      val cut = postgres.integers.contains(into) && (postgres.floats :+ "numeric").exists(type_.startsWith)
      if (cut || !becomes(session, type_, into)) throw unfit(name, type_, into)
    }
  }

  private def unfit(name: String, type_ : String, into: String) =
    new JobError(s"column $name is $type_ in the data and $into in the table. Cast it in a map step")

  /** Whether an INSERT casts values of a type implicitly. Casts to text are implicit; casts from text we write. */
  private def becomes(session: Session, type_ : String, into: String): Boolean = {
    val cast = "SELECT 1 FROM pg_cast WHERE castsource = CAST(? AS regtype) AND casttarget = CAST(? AS regtype) " +
      "AND castcontext <> 'e'"
    Seq(type_, into).contains("text") || type_.startsWith(into) || session.rows(cast, type_, into).nonEmpty
  }

  /** Throw JobError unless an immediate unique index has exactly these columns as its keys. */
  def checkUnique(session: Session, table: String, keys: Seq[String]): Unit = {
    val found = session.rows(
      "SELECT (SELECT string_agg(attname, ',' ORDER BY attname) FROM pg_attribute WHERE attrelid = indrelid " +
        "AND attnum = ANY ((CAST(indkey AS int2[]))[0:indnkeyatts - 1])), " +
        "CASE WHEN indpred IS NOT NULL THEN 'partial' WHEN indexprs IS NOT NULL THEN 'of expressions too' " +
        "WHEN NOT indimmediate THEN 'deferrable' WHEN indisexclusion THEN 'an exclusion' " +
        "WHEN NOT indisvalid THEN 'invalid' END AS flaw " +
        "FROM pg_index WHERE indrelid = to_regclass(?) AND indisunique ORDER BY flaw",
      Quoted.table(table)
    )
    val flaws = found.collect { case List(columns, flaw) if columns == keys.sorted.mkString(",") => flaw }
    if (keys.nonEmpty && !flaws.contains(null)) {
      val but = flaws.lastOption.fold("")(flaw => s", and the one there is $flaw")
      throw new JobError(
        s"an upsert by ${keys.mkString(", ")} needs a unique index of just these columns$but. Create it first"
      )
    }
  }

  /** Throw JobError for a null key, and for a key of two rows: the upsert could keep either. */
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

  /** A staged value as the table takes it: only texts need an explicit cast. */
  def value(name: String, staged: String, there: DatabaseType): String =
    if (staged == "text" && there.plain != "text") s"CAST(${Quoted.column(name)} AS ${there.plain})"
    else Quoted.column(name)

  /** Throw JobError for the first column with a value that the table would change or refuse. */
  def checkValues(
      session: Session,
      staging: String,
      types: ListMap[String, String],
      there: ListMap[String, DatabaseType]
  ): Unit = {
    val pairs = types.toSeq.zip(matched(types.keys, there.keys))
    val changes = pairs.collect {
      case ((name, type_), into) if type_ != there(into).full => Change(name, type_, there(into))
    }
    if (changes.nonEmpty && !allStay(session, staging, changes)) changes.foreach(check(session, staging, _))
  }

  private def allStay(session: Session, staging: String, changes: Seq[Change]): Boolean = {
    val any = changes.map(change => s"(${change.differs})").mkString(" OR ")
    try session.rows(s"SELECT 1 FROM ${Quoted.table(staging)} WHERE $any LIMIT 1").isEmpty
    catch { case error: Refused if error.is("bad_value") => false }
  }

  private def check(session: Session, staging: String, change: Change): Unit = {
    val Change(name, type_, there) = change
    val shown = Seq(Quoted.column(name), change.into).map(each => s"left(CAST($each AS text), 100)").mkString(", ")
    val found = try session.rows(
        s"SELECT $shown FROM ${Quoted.table(staging)} WHERE ${change.differs} LIMIT 1"
      )
    catch {
      case error: Refused if error.is("no_cast") => throw unfit(name, type_, there.plain)
      case error: Refused =>
        val wayOut = "Cast or filter it in an earlier step, or change the table"
        throw new JobError(s"column $name: ${error.getMessage}. $wayOut")
    }
    for (List(was, becomes) <- found)
      throw new JobError(
        s"column $name: '$was' would become '$becomes' in the table, where it is ${there.full}. " +
          "Cast or round it in a map step, or change the table"
      )
  }

  /** How the table changes a column's values, in SQL: `into` casts to the table's type and on to a type that loses
    * nothing; `differs` says whether the table would hold another value.
    */
  private final case class Change(name: String, type_ : String, there: DatabaseType) {
    private val (through, column) = (if (type_ != "text") unlike else wider, Quoted.column(name))
    private val taken = s"CAST(${value(name, type_, there)} AS ${there.full})"
    // PostgreSQL's cast of a float to numeric keeps only 6 or 15 digits; its text has all of them.
    private val digits = type_.startsWith("numeric") && postgres.floats.contains(there.plain)
    val into: String = s"CAST(${if (digits) s"CAST($taken AS text)" else taken} AS $through)"

    // Some of these types have no equality: for the same type, check only that it casts.
    val differs: String =
      if (through == there.full) s"$column IS NOT NULL AND $into IS NULL"
      else s"$into IS DISTINCT FROM CAST($column AS $through)"

    private def unlike = postgres.unlike.getOrElse(there.plain, type_)
    private def wider =
      if (there.full.startsWith("character(")) "bpchar" else postgres.wider.getOrElse(there.plain, there.plain)
  }
}

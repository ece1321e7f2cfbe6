/** A column's type; for a domain, its base type. `plain` has no length, and is text for all text types. */
final case class DatabaseType(plain: String, full: String)

object DatabaseType {

  /** Column -> type of a table; empty if it does not exist. */
  def of(session: Session, table: String): ListMap[String, DatabaseType] = {
    val found = session.rows(
      "WITH RECURSIVE base AS (SELECT attnum, attname, atttypid AS type, atttypmod AS modifier FROM pg_attribute " +
        "WHERE attrelid = to_regclass(?) AND attnum > 0 AND NOT attisdropped " +
        "UNION ALL SELECT attnum, attname, typbasetype, typtypmod FROM base JOIN pg_type ON oid = type " +
        "WHERE typtype = 'd') " +
        "SELECT attname, CASE typcategory WHEN 'S' THEN 'text' ELSE format_type(type, -1) END, " +
        "format_type(type, modifier) FROM base JOIN pg_type ON oid = type WHERE typtype <> 'd' ORDER BY attnum",
      Quoted.table(table)
    )
    ListMap(found.map { case List(name, plain, full) => name -> DatabaseType(plain, full) }: _*)
  }
}

/** How to read values of a type, in SQL with `{}` for the value: as `value`, which has the type `type_`.
  *
  * Values for which `fits` is false are refused: they are not within `limit`. If `fits` is empty, all of them fit.
  */
final case class Reading(type_ : String, fits: String = "", limit: String = "", value: String = "{}") {

  /** SQL for the value of a column (in SQL), or null if it is refused. */
  def selected(column: String): String = {
    val sql = if (fits.isEmpty) value else s"CASE WHEN $fits THEN $value END"
    s"CAST(${Reading.filled(column, sql)} AS ${type_})"
  }

  /** SQL for the start of a refused value's text, on one line; else null. */
  def refused(column: String): String = {
    val text = "left(regexp_replace(CAST({} AS text), '\\s+', ' ', 'g'), 100)"
    Reading.filled(column, s"CASE WHEN NOT ($fits) THEN $text END")
  }
}

object Reading {
  private val postgres = Connector.PostgreSql
  // Digits of Spark's decimals; their scale for a numeric that has none.
  private val (digits, anyScale) = (38, 18)
  private val (list, plainNumeric) = ("(.*)\\[\\]".r, "numeric")
  private val numeric = "numeric\\((\\d+),(-?\\d+)\\)".r

  /** How to read values of a type; None: unchanged. A type that Spark does not have is read as text. */
  def find(type_ : String): Option[Reading] = type_ match {
    case known if postgres.readAsTheyAre.contains(known) => None
    case list(element) => Some(listOf(element))
    case numeric(precision, scale) => Some(number(precision.toInt, scale.toInt))
    case `plainNumeric` => Some(number(digits, anyScale))
    case other =>
      val known = postgres.readAs.get(other).orElse(postgres.readAs.get(other.replaceAll("\\(\\d\\)", "")))
      Some(known.fold(Reading("text"))(described))
  }

  private def described(facts: Options): Reading =
    Reading(facts.text("type"), facts.text("fits"), facts.text("limit"), facts.text("value", "{}"))

  /** Keeps all digits after the point that the type has, and before it the rest of Spark's 38. */
  private def number(precision: Int, scale: Int): Reading = {
    val after = scale.max(0).min(digits)
    val before = (precision - scale).max(0).min(digits - after)
    val type_ = s"(${before + after},$after)"
    Reading(s"numeric${type_}", s"{} = round({}, $after) AND abs({}) < 1e$before", s"decimal${type_}")
  }

  /** PostgreSQL's arrays have any number of dimensions, whatever their type says; Spark's arrays have one. */
  private def listOf(element: String): Reading = {
    val found = find(element).getOrElse(Reading(element))
    val flat = "{} IS NOT NULL AND COALESCE(array_ndims({}), 1) = 1"
    val misfit = s"SELECT FROM unnest({}) AS item WHERE NOT (${filled("item", found.fits)})"
    val each = if (found.fits.isEmpty) "" else s" AND NOT EXISTS ($misfit)"
    val items = "unnest({}) WITH ORDINALITY AS items(item, place) ORDER BY place"
    val value = if (found.value == "{}") "{}" else s"ARRAY(SELECT ${filled("item", found.value)} FROM $items)"
    val limit = if (found.limit.isEmpty) found.type_ else found.limit
    Reading(s"${found.type_}[]", flat + each, s"lists of $limit", value)
  }

  private def filled(value: String, sql: String) = sql.replace("{}", value)
}

/** How a format nests values in text. x: SQL of the text; level: 0 for a column's own; each method returns SQL. */
trait Nesting {
  def elements(x: String, level: Int): String
  def entries(x: String, level: Int): String
  def field(entries: String, name: String, place: Int): String
  def number(type_ : String, x: String): String

  /** The text of a value that is not nested, without marks. */
  def plain(x: String): String = x

  /** The text of a number that may be NaN or infinite. */
  def floating(x: String): String = x
}

/** Converts texts of files to values of a table's types: Spark SQL generated from the type, the same in both languages.
  *
  * Spark's own casts are too lenient: they take `yes` for true, `2024` for a date, and 1.9 for an integer.
  */
object Values {
  private val number = "^[ ]*[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]+)?[ ]*$|^[ ]*([+-]?Infinity|NaN)[ ]*$"
  private val date = "[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}"
  private val time = "[0-9]{1,2}:[0-9]{2}(:[0-9]{2}([.][0-9]+)?)?"
  private val zone = "[ ]?(Z|UTC|[+-][0-9]{2}:?[0-9]{2}|[+-][0-9]{2})"
  private val moment = s"^$date([ T]$time($zone)?)?$$"
  private val moments = Map("date" -> s"^$date$$", "timestamp" -> moment, "timestamp_ntz" -> moment)
  private val epoch = "^-?[0-9]{1,15}$" // of milliseconds: more is no moment that a timestamp can be
  private val shown = 200 // characters of a text in a message

  /** SQL for the value of the text x; null if x is null or does not fit. */
  def value(type_ : DataType, x: String, nesting: Nesting, level: Int = 0): String = {
    def inner(of: DataType, item: String) = value(of, item, nesting, deeper(type_, level))
    type_ match {
      case ArrayType(element, _) =>
        s"transform(${nesting.elements(x, level)}, e$level -> ${inner(element, s"e$level")})"
      case MapType(key, of, _) =>
        val pair = s"struct(${inner(key, s"m$level.key")}, ${inner(of, s"m$level.value")})"
        s"map_from_entries(transform(${nesting.entries(x, level)}, m$level -> $pair))"
      case StructType(fields) =>
        val made = fields.zipWithIndex.map { case (field, place) =>
          s"${text(field.name)}, ${inner(field.dataType, nesting.field(s"s$level", field.name, place))}"
        }
        val entries = nesting.entries(x, level)
        val one = s"transform(array($entries), s$level -> named_struct(${made.mkString(", ")}))[0]"
        s"IF($entries IS NULL, NULL, $one)"
      case _ => scalar(type_, nesting.plain(x), nesting)
    }
  }

  /** SQL for whether the text x does not fit, at any level: true or false. */
  def misfit(type_ : DataType, x: String, nesting: Nesting, level: Int = 0): String = {
    def inner(of: DataType, item: String) = misfit(of, item, nesting, deeper(type_, level))
    def any(items: String, name: String, wrong: String) =
      s"($x IS NOT NULL AND coalesce(exists($items, $name -> $wrong), true))"
    type_ match {
      case StringType => "false"
      case ArrayType(element, _) => any(nesting.elements(x, level), s"e$level", inner(element, s"e$level"))
      case MapType(key, of, _) =>
        val wrong = s"${inner(key, s"m$level.key")} OR ${inner(of, s"m$level.value")}"
        any(nesting.entries(x, level), s"m$level", wrong)
      case StructType(fields) =>
        val (entries, item) = (nesting.entries(x, level), s"s$level")
        val wrong = fields.zipWithIndex.map { case (field, place) =>
          inner(field.dataType, nesting.field(item, field.name, place))
        }
        any(s"IF($entries IS NULL, NULL, array($entries))", item, wrong.mkString(" OR "))
      case _ => s"($x IS NOT NULL AND ${scalar(type_, nesting.plain(x), nesting)} IS NULL)"
    }
  }

  private def deeper(type_ : DataType, level: Int) = level + (if (type_.isInstanceOf[MapType]) 2 else 1)

  /** SQL for the value of a type that is not nested. */
  def scalar(type_ : DataType, x: String, nesting: Nesting): String = type_.catalogString match {
    case "string" => x
    case "boolean" => s"CASE lower($x) WHEN 'true' THEN true WHEN 'false' THEN false END"
    case "binary" => s"try_to_binary($x, 'base64')"
    case name if moments.contains(name) =>
      val written = s"IF($x RLIKE '${moments(name)}', try_cast($x AS $name), NULL)"
      s"IF($x RLIKE '$epoch', ${nesting.number(name, x)}, $written)"
    case name @ ("float" | "double") => real(name, nesting.floating(x))
    case name if name.startsWith("decimal") => real(name, x)
    case name => s"try_cast(regexp_replace($x, '[.]0+$$', '') AS $name)"
  }

  private def real(name: String, x: String) = s"IF($x RLIKE '$number', try_cast($x AS $name), NULL)"

  /** A text as an SQL literal. */
  def text(of: String): String = "'" + of.replace("\\", "\\\\").replace("'", "\\'") + "'"

  /** SQL for the message about a text that does not fit its column. */
  def unfit(name: String, type_ : DataType, x: String): String =
    s"concat(${text(s"column $name: '")}, substring($x, 1, $shown), ${text(s"' is not ${type_.catalogString}")})"
}

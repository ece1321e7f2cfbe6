/** The CSV dialect that the SerDe's settings define. quote is empty if quotes have no meaning. */
final case class Dialect(
    separator: String,
    quote: String,
    escape: String,
    empty: String,
    levels: String,
    header: Boolean,
    encoding: String,
    multiline: Boolean = false
)

object Dialect {

  /** The dialect of a CSV table.
    *
    * Throws JobError for a header of several lines, and for multi-line records that are not UTF-8.
    */
  def apply(table: Table): Dialect = {
    val given = table.parameters
    val (lines, encoding) = (given.getOrElse("skip.header.line.count", "0").toInt,
      given.getOrElse("serialization.encoding", "UTF-8"))
    if (lines > 1)
      throw new JobError(
        s"dataset ${table.dataset}: skip.header.line.count is $lines. Jobs read files with 0 or 1"
      )
    val multiline = table.quotes && given.get(CsvRows.Multiline).contains("true")
    if (multiline && !Seq("utf-8", "utf8").contains(encoding.toLowerCase))
      throw new JobError(s"dataset ${table.dataset}: csv.multiline reads files of UTF-8. The table's are $encoding")
    val levels = CsvRows.Levels
    if (table.quotes) {
      val (separator, quote) = (given.getOrElse("separatorChar", ","), given.getOrElse("quoteChar", "\""))
      val escape = given.getOrElse("escapeChar", "\\").replace("\"", "\\") // Hive takes a quote for its default
      Dialect(separator, quote, escape, CsvRows.Nothing, "", lines == 1, encoding, multiline)
    } else {
      def setting(names: String*) = names.flatMap(given.get).find(_.nonEmpty)
      val item = setting("collection.delim", "colelction.delim").getOrElse(levels.substring(1, 2))
      val key = setting("mapkey.delim").getOrElse(levels.substring(2, 3))
      val (empty, escape) = (given.getOrElse("serialization.null.format", "\\N"), given.getOrElse("escape.delim", ""))
      val separator = setting("field.delim", "delimiter", "serialization.format").getOrElse(levels.substring(0, 1))
      val inner = delimiter(item) + delimiter(key) + levels.substring(3)
      Dialect(delimiter(separator), "", escape, empty, inner, lines == 1, encoding)
    }
  }

  /** A delimiter that is written as the number of a byte or as a character; `\t` is a tab. */
  private def delimiter(written: String): String =
    if (written.matches("[0-9]{1,3}") && written.toInt < 128) written.toInt.toChar.toString
    else written.replace("\\t", "\t").take(1)
}

/** Nested values in the text of LazySimpleSerDe, with one separator per level. OpenCSVSerde has none. */
final case class TextNesting(dialect: Dialect) extends Nesting {
  import Values.text

  def elements(x: String, level: Int): String = {
    val (separator, part) = (text(CsvRows.literal(dialect.levels(level).toString)), s"t$level")
    val parts = s"transform(split($x, $separator, -1), $part -> nullif($part, ${text(dialect.empty)}))"
    s"IF($x = '', array(), $parts)"
  }

  /** The parts of a map or struct, each with key, value and whole. */
  def entries(x: String, level: Int): String = {
    val (mark, q) = (text(dialect.levels(level + 1).toString), s"q$level")
    val after = s"IF(instr($q, $mark) > 0, substr($q, instr($q, $mark) + 1), NULL)"
    val part = s"struct(substring_index($q, $mark, 1) AS key, $after AS value, $q AS whole)"
    s"transform(${elements(x, level)}, $q -> $part)"
  }

  def field(entries: String, name: String, place: Int): String = s"get($entries, $place).whole"

  /** OpenCSVSerde stores dates as days and timestamps as milliseconds since 1970; LazySimpleSerDe does neither. */
  def number(type_ : String, x: String): String =
    if (dialect.quote.isEmpty) "NULL"
    else if (type_ == "date") s"date_add(DATE'1970-01-01', try_cast($x AS int))"
    else s"CAST(timestamp_millis(try_cast($x AS bigint)) AS ${type_})"

  /** SQL for a text of the line with its escapes removed; null for the null marker. */
  def unescaped(x: String): String = if (dialect.quote.nonEmpty) x
  else {
    val (found, escape) = (s"nullif($x, ${text(dialect.empty)})", dialect.escape)
    val plain = s"regexp_replace($found, ${text(CsvRows.literal(escape) + "(.)")}, '$$1')"
    if (escape.isEmpty) found
    else s"replace(replace($plain, '${CsvRows.Separator}', ${text(dialect.separator)}), " +
      s"'${CsvRows.Escape}', ${text(escape)})"
  }
}

/** Parses lines of CSV into rows, as the table's SerDe does: OpenCSVSerde or LazySimpleSerDe.
  *
  * schema: the table's columns, without partition keys.
  */
final case class CsvRows(schema: StructType, dialect: Dialect) {
  import Values.text
  private val nesting = TextNesting(dialect)
  private val width = schema.size

  /** SQL for the texts of a line: one per column, or another number if the line is ragged. */
  def fields(line: String): String = if (dialect.quote.isEmpty) split(line)
  else {
    val names = (0 until width).map(place => s"c$place string") :+ s"${CsvRows.Ragged} string"
    val options = Seq("sep" -> dialect.separator, "quote" -> dialect.quote, "escape" -> dialect.quote,
      "nullValue" -> CsvRows.Nothing, "columnNameOfCorruptRecord" -> CsvRows.Ragged, "maxColumns" -> CsvRows.mostFields)
    val more = if (dialect.multiline) Seq("multiLine" -> "true") else Nil
    val given = (options ++ more).map { case (name, value) => s"${text(name)}, ${text(value)}" }.mkString(", ")
    val texts = (0 until width).map(place => s"coalesce(r.c$place, '')").mkString(", ")
    val found = s"from_csv(${doubled(line)}, ${text(names.mkString(", "))}, map($given))"
    s"transform(array($found), r -> IF(r.${CsvRows.Ragged} IS NULL, array($texts), array()))[0]"
  }

  /** SQL for a line in which quotes are escaped only by doubling. An escape of nothing is dropped. */
  private def doubled(line: String): String = {
    val (quote, escape) = (CsvRows.literal(dialect.quote), CsvRows.literal(dialect.escape))
    if (Seq("", dialect.quote).contains(dialect.escape)) line
    else s"regexp_replace($line, ${text(s"$escape(?:($quote)|($escape))?")}, '$$1$$1$$2')"
  }

  private def split(line: String): String = {
    val (separator, escape) = (dialect.separator, dialect.escape)
    val hidden = if (escape.isEmpty) line
    else s"replace(replace($line, ${text(escape * 2)}, '${CsvRows.Escape}'), ${text(escape + separator)}, " +
      s"'${CsvRows.Separator}')"
    s"split($hidden, ${text(CsvRows.literal(separator))}, -1)"
  }

  /** Each column's name and the SQL of its value, taken from the texts of a line. */
  def columns(fields: String): Seq[(String, String)] = schema.zipWithIndex.map { case (field, place) =>
    field.name -> Values.value(field.dataType, textOf(fields, place, field.dataType), nesting)
  }

  /** SQL for what is wrong with a line that was split into texts; null if nothing is. */
  def reason(line: String, fields: String): String = {
    val ragged = s"WHEN size($fields) <> $width THEN 'the row does not have $width fields'"
    s"CASE ${open(line)} $ragged ${misfits(fields).mkString(" ")} END"
  }

  private def open(line: String): String = {
    val found = s"WHEN instr($line, '\ufffd') > 0 THEN ${text(JsonRows.NotUtf8)}"
    val plain = doubled(line)
    val quotes = s"length($plain) - length(replace($plain, ${text(dialect.quote)}, ''))"
    if (dialect.quote.isEmpty) found else s"$found WHEN ($quotes) % 2 = 1 THEN ${text(CsvRows.open)}"
  }

  private def misfits(fields: String): Seq[String] = schema.zipWithIndex.flatMap { case (field, place) =>
    val x = textOf(fields, place, field.dataType)
    Some(Values.misfit(field.dataType, x, nesting)).filter(_ != "false").map { wrong =>
      s"WHEN $wrong THEN ${Values.unfit(field.name, field.dataType, x)}"
    }
  }

  /** SQL for a column's text; null for the null marker and, unless the type is text, for a blank. */
  private def textOf(fields: String, place: Int, type_ : DataType): String = {
    val x = nesting.unescaped(s"get($fields, $place)")
    if (type_ == StringType) x else s"nullif(trim($x), '')"
  }
}

object CsvRows {
  private val (nowhere, quote) = ("\ufdd0", "\ufdd1") // noncharacters, like the next ones: no valid text has them
  val Nothing = "\ufdd2"
  val Escape = "\ufdd3" // this and the next are placeholders for escaped characters while a line is split
  val Separator = "\ufdd4"
  val Levels: String = (1 to 8).map(_.toChar).mkString // Hive's separators, from the columns inward
  val Ragged = "_lake_ragged"
  private val mostFields = "100000"
  val Multiline = "lake.multiline" // table parameter: a line end within quotes does not end a record
  val Blank = "^[\\x00-\\x20]+$" // a line that Spark's CSV reader drops, and one without a character
  private val open = "a quote on the line is not closed"
  val NoNesting: Nesting = TextNesting(Dialect("", "", "", Nothing, Levels, header = false, ""))

  /** A reader of lines, in a column `value`, without each file's header and without blank lines.
    *
    * Only Spark's CSV reader skips headers, so it reads the file as a CSV of one column that takes the whole line.
    */
  def lines(reader: DataFrameReader, dialect: Dialect): DataFrameReader = reader.schema("value string").options(Map(
    "header" -> dialect.header.toString,
    "encoding" -> dialect.encoding,
    "sep" -> nowhere,
    "quote" -> quote,
    "escape" -> quote,
    "nullValue" -> Nothing
  ))

  /** The table with multi-line records enabled. */
  def withMultiline(table: Table): Table = table.copy(parameters = table.parameters + (Multiline -> "true"))

  /** SQL for the records of a whole file. A line end within quotes does not end a record; after an unclosed quote, the
    * rest of the file is one record.
    */
  def records(content: String, dialect: Dialect): String = {
    val quote = mark(dialect.quote)
    val escape = if (Seq("", dialect.quote).contains(dialect.escape)) "" else mark(dialect.escape)
    val escaped = if (escape.isEmpty) "" else s"|$escape[$quote$escape]?+"
    val inside = s"$quote(?:[^$quote$escape]++$escaped)*+(?:$quote|\\z)"
    val record = s"(?:[^$quote$escape\n]++$escaped|$inside)++"
    val parts = s"regexp_extract_all(${unmarked(content, dialect)}, ${Values.text(record)}, 0)"
    filled(s"transform($parts, r -> trim(TRAILING '\r' FROM r))", dialect)
  }

  /** SQL for the lines of a whole file, without its header and without empty lines. */
  def wholeLines(content: String, dialect: Dialect): String =
    filled(s"split(${unmarked(content, dialect)}, '\r\n|\n|\r')", dialect)

  /** SQL for a text that Spark has read as bytes of the dialect's encoding. */
  def decoded(content: String, dialect: Dialect): String =
    s"decode(CAST($content AS binary), ${Values.text(dialect.encoding)})"

  /** SQL for a decoded text without its byte order mark. */
  private def unmarked(content: String, dialect: Dialect): String = {
    val plain = decoded(content, dialect)
    s"IF(startswith($plain, '\ufeff'), substr($plain, 2), $plain)"
  }

  private def filled(records: String, dialect: Dialect): String = {
    val found = s"filter($records, r -> r <> '')"
    if (dialect.header) s"slice($found, 2, greatest(size($found) - 1, 0))" else found
  }

  /** A character escaped for use in a regular expression, inside or outside of brackets. */
  private def mark(of: String): String =
    if (of.forall(letter => letter.isLetterOrDigit || letter.isWhitespace)) of else s"\\$of"

  /** A regular expression that matches just this text. */
  def literal(of: String): String =
    of.map(letter => if ("^\\[]".contains(letter)) s"\\$letter" else s"[$letter]").mkString
}

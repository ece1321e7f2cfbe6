/** How the keys of the files map to the columns: the SerDe's settings. */
final case class Keys(mapping: Map[String, String], dots: Boolean, exact: Boolean) {
  def key(name: String): String = mapping.getOrElse(name.toLowerCase, name)
}

object Keys {
  def apply(parameters: Map[String, String]): Keys = {
    val mapped = parameters.collect {
      case (name, key) if name.toLowerCase.startsWith("mapping.") => name.drop(8).toLowerCase -> key
    }
    def on(name: String, default: String) = parameters.getOrElse(name, default).equalsIgnoreCase("true")
    Keys(mapped, on("dots.in.keys", "false"), !on("case.insensitive", "true"))
  }
}

/** JSON within JSON is JSON text; one value where an array is due is an array of one. exact: numbers are marked. */
final case class JsonNesting(keys: Keys, exact: Boolean) extends Nesting {
  def elements(x: String, level: Int): String =
    s"IF(ltrim($x) LIKE '[%', from_json($x, 'array<string>'), IF($x IS NULL, NULL, array($x)))"

  def entries(x: String, level: Int): String =
    s"map_entries(IF(ltrim($x) LIKE '{%', from_json($x, 'map<string,string>'), NULL))"

  /** SQL for a timestamp given as a number: of seconds or, with more digits, of milliseconds. */
  def number(type_ : String, x: String): String = if (type_ == "date") "NULL"
  else {
    val number = s"try_cast($x AS bigint)"
    val long = s"length(replace($x, '-', '')) > ${JsonRows.seconds}"
    s"CAST(IF($long, timestamp_millis($number), timestamp_seconds($number)) AS ${type_})"
  }

  override def plain(x: String): String =
    if (exact) s"""regexp_replace($x, '"?${JsonRows.exact}([^"]*)"?', '$$1')""" else x

  override def floating(x: String): String = // as Spark's parser gives these words
    s"""regexp_replace($x, '^"(NaN|[+-]?Infinity)"$$', '$$1')"""

  /** SQL for the field's value: the last one, if a key occurs twice. */
  def field(entries: String, name: String, place: Int): String = {
    val found = if (keys.dots) "replace(p.key, '.', '_')" else "p.key"
    val same = if (keys.exact) s"$found = ${Values.text(keys.key(name))}"
    else s"lower($found) = ${Values.text(keys.key(name).toLowerCase)}"
    s"element_at(filter($entries, p -> $same), -1).value"
  }
}

/** Parses lines of JSON into rows, as the OpenX SerDe does: names match in any case, at every level.
  *
  * Spark's own parser is fast, and takes names only as they are written in the schema. So it reads each line, and what
  * it may have misread (`plain` is false) is read again, value by value (`fields`, `row`).
  *
  * schema: the table's columns, without partition keys. spelled: name in lower case -> spelling in the files.
  */
final case class JsonRows(schema: StructType, keys: Keys, spelled: Map[String, String]) {
  import Values.text

  /** The schema with the names as spelled in the files. */
  def asWritten: StructType = renamed(schema).asInstanceOf[StructType]

  /** SQL of whether Spark's own parser read a line, into the struct `parsed`, as the SerDe does.
    *
    * It may be false where there is no need.
    */
  def plain(line: String, parsed: String): String = {
    val odd = (odds(line, parsed) ++ Seq(two(line), notUtf8(line))).mkString(" OR ")
    s"(ltrim($line) LIKE '{%' AND NOT ($odd))"
  }

  /** SQL of whether there is anything in a line. */
  def filled(line: String): String = // the second costs much more
    s"(ltrim($line) LIKE '{%' OR ${trimmed("BOTH", line)} <> '')"

  /** Whether Spark's own parser, which ignores case and knows no keys of maps but texts, may misread any line. */
  def allAreOdd: Boolean = keys.exact || isOdd(asWritten)

  val nesting: JsonNesting = JsonNesting(keys, leaves(schema).exists(_._2.isInstanceOf[DecimalType]))

  /** SQL of a line whose long numbers are marked texts, where columns are decimals: else a double cuts them. */
  def exact(line: String): String =
    if (nesting.exact) s"regexp_replace($line, ${text(JsonRows.long)}, ${text(JsonRows.marked)})" else line

  /** SQL of the keys of a line with the texts of their values; null for a line that is no object. */
  def fields(line: String): String = nesting.entries(exact(read(line)), 0)

  /** SQL of the row that the fields of a line are: a struct of the columns. */
  def row(fields: String): String = {
    val values = texts(fields).map { case (field, x) =>
      s"${text(field.name)}, ${Values.value(field.dataType, x, nesting, 1)}"
    }
    s"named_struct(${values.mkString(", ")})"
  }

  /** SQL of what is wrong with a line; null where nothing is. */
  def reason(line: String, fields: String): String = {
    val text_ = read(line)
    s"CASE WHEN ${notUtf8(text_)} THEN ${text(JsonRows.NotUtf8)} " +
      s"WHEN ${text_} NOT LIKE '{%' THEN ${text(JsonRows.noObject)} " +
      s"WHEN $fields IS NULL THEN ${text(JsonRows.invalid)} " +
      s"WHEN ${two(text_)} THEN ${text(JsonRows.more)} ${misfits(fields).mkString(" ")} END"
  }

  private def written(name: String): String = {
    val key = keys.key(name)
    if (keys.exact) key else spelled.getOrElse(key.toLowerCase, key)
  }

  /** Whether, at any level, a struct has two names that differ in case alone, or the keys of a map are no texts. */
  private def isOdd(type_ : DataType): Boolean = type_ match {
    case StructType(fields) =>
      fields.map(_.name.toLowerCase).distinct.length < fields.length || fields.exists(field => isOdd(field.dataType))
    case ArrayType(element, _) => isOdd(element)
    case MapType(key, value, _) => key != StringType || isOdd(value)
    case _ => false
  }

  private def renamed(type_ : DataType): DataType = type_ match {
    case StructType(fields) =>
      StructType(fields.map(field => StructField(written(field.name), renamed(field.dataType))))
    case ArrayType(element, _) => ArrayType(renamed(element))
    case MapType(key, value, _) => MapType(key, renamed(value))
    case other => other
  }

  private def misfits(fields: String): Seq[String] = texts(fields).flatMap { case (field, x) =>
    Some(Values.misfit(field.dataType, x, nesting, 1)).filter(_ != "false").map { wrong =>
      s"WHEN $wrong THEN ${Values.unfit(field.name, field.dataType, nesting.plain(x))}"
    }
  }

  /** Each column with the SQL of its text. */
  private def texts(fields: String): Seq[(StructField, String)] =
    schema.zipWithIndex.map { case (field, place) => field -> nesting.field(fields, field.name, place) }

  /** SQL of what Spark's own parser passes over, or takes for something else.
    *
    * The patterns run one after the other, as Java tries an alternation again at every character.
    */
  private def odds(line: String, parsed: String): Seq[String] = {
    val all = leaves(schema)
    val moments = all.collect { case (name, DateType | TimestampType | TimestampNTZType) => keys.key(name) }
    val decimals = all.collect { case (name, _: DecimalType) => keys.key(name) } // of a text, commas would be dropped
    val tiny = all.collect { case (name, ByteType) => keys.key(name) } // 128 would be -128
    val notTiny = s""""(?iu:${either(tiny)})"\\s*+:(?!\\s*+(?:-?[0-9]{1,2}|null)\\s*+[,}])"""
    val dots = if (keys.dots) Some(s"[.]${JsonRows.rest}") else None
    val patterns = (if (tiny.isEmpty) None else Some(notTiny)) ++ begins(moments, "[-0-9\\[{]") ++
      begins(decimals, "[\"\\[{]") ++ dots
    val escaped = s"contains($line, ${text("\\")}) AND $line RLIKE ${text(s"\\\\.${JsonRows.rest}")}"
    val misspelt = s"$line RLIKE ${text(otherwise(all.map(leaf => keys.key(leaf._1))))}"
    Seq(escaped) ++ patterns.map(pattern => s"$line RLIKE ${text(pattern)}") :+
      s"NOT ${complete(line, parsed)} AND $misspelt"
  }

  /** A regular expression of a key with one of the names, in any spelling, and the beginning of its value. */
  private def begins(names: Seq[String], value: String): Option[String] =
    if (names.isEmpty) None else Some(s""""(?iu:${either(names)})"\\s*+:\\s*+$value""")

  /** SQL of whether each column has a value and the line no more keys than these: a pattern costs much more. */
  private def complete(line: String, parsed: String): String = {
    val nested = schema.exists(_.dataType match {
      case _: StructType | _: ArrayType | _: MapType => true
      case _ => false
    })
    val filled = schema.map(field => s"$parsed.${Names.quoted(written(field.name))} IS NOT NULL")
    // A blank after a quote
    val alone = Seq("2220", "2209").map(mark => s"NOT contains(CAST($line AS binary), X'$mark')")
    val keysThere = s"octet_length($line) - octet_length(replace($line, ${text(JsonRows.endOfKey)}, ''))"
    val counted = s"$keysThere = ${JsonRows.endOfKey.length * filled.size}"
    if (nested) "false" else (filled ++ alone :+ counted).mkString("(", " AND ", ")")
  }

  /** A regular expression of a key that is spelled otherwise. */
  private def otherwise(names: Seq[String]): String = {
    val keysThere = names.map(written)
    val inCapitals = (keysThere ++ spelled.values).exists(key => key != key.toLowerCase)
    if (inCapitals || names.mkString.exists(_ > 127)) s""""(?!(?:${either(keysThere)})")(?iu:${either(names)})"\\s*+:"""
    else s"[A-Z]${JsonRows.rest}"
  }

  private def either(names: Seq[String]): String = names.distinct.map(Pattern.quote).mkString("|")

  /** Every name in the type, at every level, with its type. */
  private def leaves(type_ : DataType, name: String = ""): Seq[(String, DataType)] = {
    val own = if (name.isEmpty) Nil else Seq(name -> type_)
    own ++ (type_ match {
      case StructType(fields) => fields.toSeq.flatMap(field => leaves(field.dataType, field.name))
      case ArrayType(element, _) => leaves(element, name)
      case MapType(_, value, _) => leaves(value, name)
      case _ => Nil
    })
  }

  /** SQL for whether a line has more than one object: in brackets, one object would be an array of one. */
  private def two(line: String): String = {
    val alone = s"size(from_json(concat('[', $line, ']'), 'array<string>')) = 1"
    val beginsAgain = s"contains(substr(CAST($line AS binary), 2), X'7B')" // in bytes, a tenth of the cost of letters
    s"($beginsAgain AND substr($line, 2) RLIKE ${text(JsonRows.between)} AND NOT coalesce($alone, false))"
  }

  /** SQL of a line from its first letter on, decoded if it is UTF-16: an object alone in its file may be. */
  private def read(line: String): String = {
    val inBytes = s"CAST($line AS binary)"
    val decoded = JsonRows.utf16.map { case (head, charset) => s"WHEN '$head' THEN decode($inBytes, '$charset')" }
    val unmarked = s"IF(startswith($line, '\ufeff'), substr($line, 2), $line)"
    trimmed("LEADING", s"CASE hex(substr($inBytes, 1, 2)) ${decoded.mkString(" ")} ELSE $unmarked END")
  }

  private def trimmed(side: String, line: String): String = s"trim($side ' \\t\\r' FROM $line)"

  private def notUtf8(line: String): String = s"decode(CAST($line AS binary), 'UTF-8') <> $line"
}

object JsonRows {
  val Formats = Map(
    "allowSingleQuotes" -> "false",
    "dateFormat" -> "yyyy-MM-dd",
    "timestampFormat" -> "yyyy-MM-dd[ ]['T']HH:mm:ss[.SSSSSSSSS][.SSSSSS][.SSS][XXX]"
  )
  val NotUtf8 = "the line is not UTF-8 text"
  val seconds = 10 // digits that a number of seconds has at most
  val exact = "\ufdd5" // before a number that is kept as a text; a code point that no text may have
  private val strings = """"(?:[^"\\]++|\\.)*+"|'(?:[^'\\]++|\\.)*+'"""
  private val short = // a double or a long holds it
    "-?[0-9][-+.0-9eE]{0,14}+(?![-+.0-9eE])|-?[0-9]++(?![-+.eE])|-(?![0-9])"
  private val long = // a number that a double would cut
    s"""\\G((?:[^"'0-9-]++|$strings|$short)*+)(-?[0-9][-+.0-9eE]*+)"""
  private val marked = s"""$$1"$exact$$2""" + "\""
  private val rest = """[^"\\]*+"\s*+:""" // of a key
  private val utf16 = // how an object begins
    Seq("FFFE" -> "UTF-16", "FEFF" -> "UTF-16", "7B00" -> "UTF-16LE", "007B" -> "UTF-16BE")
  private val endOfKey = "\":"
  private val between = "\\}\\s*+[,;]?+\\s*+\\{" // what stands between two objects
  private val more = "there is more on the line than one JSON object: write one object a line"
  private val noObject = "the line is not a JSON object"
  private val invalid = "the line is not valid JSON"

  /** Key in lower case -> its most frequent spelling in the lines, at any level; else the one in `paths`. */
  def spelled(lines: Seq[String], paths: String): Map[String, String] = {
    val found = mutable.LinkedHashMap.empty[String, Int].withDefaultValue(0)
    for (line <- lines; document <- Json.tree(line); key <- keysOf(document)) found(key) += 1
    val known = paths.split(",").filter(_.nonEmpty).map(key => key.toLowerCase -> key)
    known.toMap ++ found.toSeq.sortBy(-_._2).reverse.map { case (key, _) => key.toLowerCase -> key }
  }

  private def keysOf(document: JsonNode): Seq[String] =
    document.fieldNames.asScala.toSeq ++ document.elements.asScala.flatMap(keysOf)
}

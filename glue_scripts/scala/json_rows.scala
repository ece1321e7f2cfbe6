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

/** JSON within JSON is JSON text; a single value for an array column is an array of one. line: SQL of the line. */
final case class JsonNesting(keys: Keys, line: String) extends Nesting {
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

  /** Whether a decimal lost digits: within an object it passed through a double, which keeps 17. */
  override def cut(type_ : DataType, x: String): String =
    if (type_.isInstanceOf[DecimalType]) s"instr($line, $x) = 0" else "false"

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
  * Spark's own reader is fast, but matches names only as spelled in the schema. So it reads the files whose lines are
  * all plain (`odd` finds the others); what it cannot read is read again, value by value (`row`).
  *
  * schema: the table's columns, without partition keys. spelled: name in lower case -> spelling in the files.
  */
final case class JsonRows(schema: StructType, keys: Keys, spelled: Map[String, String]) {
  import Values.text

  /** The schema with the names as spelled in the files. */
  def asWritten: StructType = renamed(schema).asInstanceOf[StructType]

  /** SQL for whether Spark's own reader might misread a line. It may be true unnecessarily. */
  def odd(line: String): String = s"($line RLIKE ${text(odd.mkString("|"))} OR ${two(line)} OR ${notUtf8(line)})"

  /** SQL for the row of a line: a struct of the columns; null if the line does not fit them. */
  def row(line: String): String = {
    val nesting = JsonNesting(keys, line)
    val values = texts(line, nesting).map { case (field, x) =>
      s"${text(field.name)}, ${Values.value(field.dataType, x, nesting, 1)}"
    }
    val made = s"transform(array(${nesting.entries(line, 0)}), fields -> named_struct(${values.mkString(", ")}))[0]"
    s"IF(${reason(line)} IS NULL, $made, NULL)"
  }

  /** SQL for what is wrong with a line; null if nothing is. */
  def reason(line: String): String = {
    val nesting = JsonNesting(keys, line)
    val (entries, wrong) = (nesting.entries(line, 0), misfits(line, nesting))
    val checked = if (wrong.isEmpty) "NULL"
    else s"transform(array($entries), fields -> CASE ${wrong.mkString(" ")} END)[0]"
    s"CASE WHEN ${notUtf8(line)} THEN ${text(JsonRows.NotUtf8)} " +
      s"WHEN ltrim($line) NOT LIKE '{%' THEN ${text(JsonRows.noObject)} " +
      s"WHEN $entries IS NULL THEN ${text(JsonRows.invalid)} " +
      s"WHEN ${two(line)} THEN ${text(JsonRows.more)} ELSE $checked END"
  }

  private def written(name: String): String = {
    val key = keys.key(name)
    if (keys.exact) key else spelled.getOrElse(key.toLowerCase, key)
  }

  private def renamed(type_ : DataType): DataType = type_ match {
    case StructType(fields) =>
      StructType(fields.map(field => StructField(written(field.name), renamed(field.dataType))))
    case ArrayType(element, _) => ArrayType(renamed(element))
    case MapType(key, value, _) => MapType(key, renamed(value))
    case other => other
  }

  private def misfits(line: String, nesting: Nesting): Seq[String] = texts(line, nesting).flatMap { case (field, x) =>
    Some(Values.misfit(field.dataType, x, nesting, 1)).filter(_ != "false").map { wrong =>
      s"WHEN $wrong THEN ${Values.unfit(field.name, field.dataType, x)}"
    }
  }

  /** Each column with the SQL of its text, taken from the line's `fields`. */
  private def texts(line: String, nesting: Nesting): Seq[(StructField, String)] =
    schema.zipWithIndex.map { case (field, place) =>
      val x = nesting.field("fields", field.name, place)
      field -> (if (field.dataType.isInstanceOf[DecimalType]) allDigits(line, field.name, x) else x)
    }

  /** SQL for a decimal as written in the line, if it is found there: x passed through a double. */
  private def allDigits(line: String, name: String, x: String): String = {
    val pattern = s""""(?iu:${Pattern.quote(keys.key(name))})"\\s*:\\s*([-+.0-9eE]+)"""
    val found = s"regexp_extract($line, ${text(pattern)}, 1)"
    s"IF(try_cast($found AS double) = try_cast($x AS double), $found, $x)"
  }

  /** Regular expressions for what Spark's own reader ignores or misreads. */
  private def odd: Seq[String] = {
    val (all, rest) = (leaves(schema), """[^"\\]*"\s*:""")
    val (names, moments) = (all.map(leaf => keys.key(leaf._1)), all.collect {
      case (name, DateType | TimestampType | TimestampNTZType) => keys.key(name)
    })
    val numbers = if (moments.isEmpty) None else Some(s""""(?iu:${either(moments)})"\\s*:\\s*\\[?\\s*[-0-9]""")
    val dots = if (keys.dots) Some(s"[.]$rest") else None
    Seq("^\\s*\\[", s"\\\\.$rest") ++ numbers ++ dots ++ (if (keys.exact) None else Some(otherwise(names, rest)))
  }

  /** Matches a key with another spelling. */
  private def otherwise(names: Seq[String], rest: String): String = {
    val keysThere = names.map(written)
    val inCapitals = (keysThere ++ spelled.values).exists(key => key != key.toLowerCase)
    if (inCapitals || names.mkString.exists(_ > 127)) s""""(?!(?:${either(keysThere)})")(?iu:${either(names)})"\\s*:"""
    else s"[A-Z]$rest"
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
    s"($line RLIKE ${text(JsonRows.between)} AND NOT coalesce($alone, false))"
  }

  private def notUtf8(line: String): String =
    s"(octet_length($line) <> char_length($line) AND decode(CAST($line AS binary), 'UTF-8') <> $line)"
}

object JsonRows {
  val Formats = Map(
    "allowSingleQuotes" -> "false",
    "dateFormat" -> "yyyy-MM-dd",
    "timestampFormat" -> "yyyy-MM-dd[ ]['T']HH:mm:ss[.SSSSSSSSS][.SSSSSS][.SSS][XXX]"
  )
  val NotUtf8 = "the line is not UTF-8 text"
  val seconds = 10 // maximum digits of a number of seconds
  private val between = "\\}\\s*[,;]?\\s*\\{" // matches between two objects
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

/** JSON records inside documents, at the path of the crawler's classifier (`$.records[*]`, `$.detail`). */
object Documents {
  val Record = "_lake_record"
  val Document = "_lake_document"
  val Fault = "_lake_fault"
  private val more = "there is more than one document: write one document a line, or one in a file"
  private val lines = """filter(split(value, '\\n'), line -> trim(BOTH ' \\t\\r' FROM line) <> '')"""
  private val inFile = s"explode(IF(get_json_object(get($Document, 0), '$$') IS NULL, array(value), $Document))"
  // get_json_object ends at the end of the first document, and takes control characters as they are.
  private val alone = s"coalesce(size(from_json(concat('[', $Document, ']'), 'array<string>', " +
    "map('allowUnquotedControlChars', 'true'))) = 1, false)"

  /** A row per record of whole files: `value` is a file's text, one document, or one per line. Other columns stay.
    *
    * Record is the record's text, null if the document has none at the path. Fault is why a document with something at
    * the path gives no records, else null.
    */
  def records(files: DataFrame, path: String): DataFrame = {
    val place = s"get_json_object($Document, '${path.stripSuffix("[*]")}')"
    val found = if (path.endsWith("[*]")) s"from_json($place, 'array<string>')" else s"array($place)"
    files.withColumn(Document, expr(lines)).withColumn(Document, expr(inFile)).drop("value")
      .withColumn(Fault, expr(s"IF($place IS NULL OR $alone, NULL, ${Values.text(more)})"))
      .withColumn(Record, expr(s"explode(coalesce(IF($Fault IS NULL, $found, NULL), array(NULL)))"))
  }
}

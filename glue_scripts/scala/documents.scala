/** JSON records inside documents, at the path of the crawler's classifier (`$.records[*]`, `$.detail`). */
object Documents {
  val Record = "_lake_record"
  val Document = "_lake_document"
  private val inFile = """explode(
    CASE WHEN get_json_object(split(value, '\\n')[0], '$') IS NOT NULL
    THEN filter(split(value, '\\n'), line -> trim(line) <> '') ELSE array(value) END)"""

  /** A row per record of whole files: `value` is a file's text, one document, or one per line. Other columns stay.
    *
    * Record is the record's text, null if the document has none at the path.
    */
  def records(files: DataFrame, path: String): DataFrame = {
    val place = path.stripSuffix("[*]")
    val many = s"from_json(get_json_object($Document, '$place'), 'array<string>')"
    val one = s"array(get_json_object($Document, '$place'))"
    files.withColumn(Document, expr(inFile)).drop("value")
      .withColumn(Record, expr(s"explode(coalesce(${if (path == place) one else many}, array(NULL)))"))
  }
}

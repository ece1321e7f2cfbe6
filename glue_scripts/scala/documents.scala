/** JSON whose records lie inside documents: a crawler's classifier said where (`$.records[*]`, `$.detail`). */
object Documents {
  val NothingThere = "_lake_nothing_there"
  private val inFile = """explode(
    CASE WHEN get_json_object(split(value, '\\n')[0], '$') IS NOT NULL
    THEN filter(split(value, '\\n'), line -> trim(line) <> '') ELSE array(value) END)"""

  /** A row per record of whole files: `value` is a file's text, one document or one a line. Other columns stay.
    *
    * `corrupt` gets the text of a record that does not fit its columns, or of a document that has no record there.
    */
  def records(files: DataFrame, path: String, columns: ListMap[String, String], corrupt: String): DataFrame = {
    val place = path.stripSuffix("[*]")
    val many = s"from_json(get_json_object(document, '$place'), 'array<string>')"
    val one = s"array(get_json_object(document, '$place'))"
    val found = files.withColumn("document", expr(inFile)).drop("value")
      .withColumn("record", expr(s"explode(coalesce(${if (path == place) one else many}, array(NULL)))"))
    val schema = (columns + (corrupt -> "string")).map { case (name, type_) => s"${Names.quoted(name)} $type_" }
    val options = Map("mode" -> "PERMISSIVE", "columnNameOfCorruptRecord" -> corrupt)
    val read = found
      .withColumn("read", from_json(col("record"), StructType.fromDDL(schema.mkString(", ")), options))
      .withColumn(NothingThere, col("record").isNull)
    val bad = when(col(NothingThere), col("document")).otherwise(col(s"read.`$corrupt`"))
    val fields = columns.keys.toSeq.map(name => name -> col(s"read.${Names.quoted(name)}")) :+ (corrupt -> bad)
    fields.foldLeft(read) { case (frame, (name, value)) => frame.withColumn(name, value) }
      .drop("document", "record", "read")
  }
}

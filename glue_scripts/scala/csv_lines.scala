/** Writes CSV for Athena's LazySimpleSerDe: typed, with nulls, and with delimiters in texts escaped by a backslash.
  *
  * OpenCSVSerde would support quotes, but neither nulls nor dates.
  */
object CsvLines {
  val Serde = Map("field.delim" -> ",", "escape.delim" -> "\\", "serialization.null.format" -> "\\N")

  /** The frame as a column of lines, and the partition keys. */
  def apply(frame: DataFrame, keys: Seq[String]): DataFrame = {
    val fields = frame.schema.filterNot(field => keys.exists(_.equalsIgnoreCase(field.name))).map(text)
    frame.select(concat_ws(Serde("field.delim"), fields: _*).as(s"${Names.Own}line") +: keys.map(Names.column): _*)
  }

  private def text(field: StructField): Column = {
    val column = Names.column(field.name)
    val text = field.dataType match {
      case _: ArrayType | _: MapType | _: StructType | BinaryType =>
        throw new JobError(
          s"sink format csv: column ${field.name} is ${field.dataType.simpleString}. Choose json, parquet or orc"
        )
      case StringType => escaped(column, field.name)
      case _ => column.cast("string")
    }
    coalesce(text, lit(Serde("serialization.null.format")))
  }

  private def escaped(column: Column, name: String): Column = {
    val broken = s"sink format csv: column $name has a text of more than one line. Choose json, parquet or orc"
    val text = regexp_replace(column, "([\\\\,])", "\\\\$1")
    when(column.rlike("[\\r\\n]"), Errors.failure(lit(broken))).otherwise(text)
  }
}

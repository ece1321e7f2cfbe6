/** CSV as Athena's LazySimpleSerDe reads it: typed, with nulls, and a delimiter within a text behind a backslash.
  *
  * OpenCSVSerde would read quotes, but no null and no date.
  */
object CsvLines {
  val Serde = Map("field.delim" -> ",", "escape.delim" -> "\\", "serialization.null.format" -> "\\N")

  /** The frame as one column of lines, and the partition keys. */
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

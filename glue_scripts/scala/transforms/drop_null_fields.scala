/** The data without the columns in which every row is null, or has a value of `also`, which counts as null.
  *
  * This reads the data once, to find these columns. Without rows, all columns stay.
  */
object DropNullFields extends Transform {
  override def keepsRows(given: Any): Boolean = true

  def apply(frame: DataFrame, given: Any, dataset: String => DataFrame): DataFrame = {
    val also = options(given).check(Nil, Seq("also")).values("also")
    val counts = frame.agg(count(lit(1)), frame.schema.map(field => count(filled(field, also))): _*).head()
    val empty = frame.columns.indices.filter(place => counts.getLong(place + 1) == 0).map(frame.columns(_))
    if (counts.getLong(0) == 0) frame else frame.drop(empty: _*)
  }

  /** The column, with null for the values that count as null: texts in string columns, numbers in numeric ones. */
  private def filled(field: StructField, also: Seq[Any]): Column = {
    val column = Names.column(field.name)
    val values = also.filter {
      case _: String => field.dataType == StringType
      case _ => field.dataType.isInstanceOf[NumericType]
    }
    if (values.isEmpty) column else when(!column.isin(values: _*), column)
  }
}

/** One row of each group of duplicates. Options and result: see lake_etl/transforms/dedupe.py. */
object Dedupe extends Transform(removes = "deduplicated") {
  private val Place = s"${Names.Own}place"

  def apply(frame: DataFrame, given: Any, dataset: String => DataFrame): DataFrame = {
    val wanted = options(given).check(Nil, Seq("by", "newest"))
    val (by, newest) = (wanted.texts("by"), wanted.get("newest").map(text(_, "the name of a column")))
    Errors.checkColumns(frame, by ++ newest)
    if (by.isEmpty && newest.nonEmpty)
      throw new JobError("newest is only allowed with by: rows that are equal in every column are equally new")
    if (by.isEmpty) {
      Names.checkComparable(frame, frame.columns, "dedupe without by compares all columns")
      frame.dropDuplicates()
    } else {
      Names.checkComparable(frame, by ++ newest, "by and newest")
      val order = newest.map(Names.column(_).desc_nulls_last).toSeq ++ frame.schema.map(sortable)
      val place = row_number().over(Window.partitionBy(by.map(Names.column): _*).orderBy(order: _*))
      frame.withColumn(Place, place).where(col(Place) === 1).drop(Place)
    }
  }

  /** The column, or its JSON if it contains a map: Spark cannot order maps. */
  private def sortable(field: StructField): Column = {
    val column = Names.column(field.name)
    if (field.dataType.catalogString.contains("map<")) to_json(struct(column), Cast.Exact) else column
  }
}

/** The rows for which the SQL condition is true, not false or null, as in a WHERE clause. */
object Filter extends Transform(removes = "filtered") {
  def apply(frame: DataFrame, given: Any, dataset: String => DataFrame): DataFrame = frame.where(described(given))
}

/** The data without the named columns. */
object DropFields extends Transform {
  override def keepsRows(given: Any): Boolean = true

  def apply(frame: DataFrame, given: Any, dataset: String => DataFrame): DataFrame = {
    val names = oneOrMany(given)
    Errors.checkColumns(frame, names)
    frame.drop(names: _*)
  }
}

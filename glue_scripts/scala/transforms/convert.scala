/** The data unchanged: the step sets how the sink writes it. */
object Convert extends Transform {
  override def keepsRows(given: Any): Boolean = true

  def apply(frame: DataFrame, given: Any, dataset: String => DataFrame): DataFrame = {
    options(given).check(Nil, Seq("format", "compression", "target_file_mb"))
    frame
  }

  /** The sink's options updated with those of the convert steps, of which the last one wins. */
  def converted(sink: Options, steps: Seq[Json.Fields]): Options =
    Options(steps.flatMap(_.get("convert")).map(options(_).given).foldLeft(sink.given)(_ ++ _))
}

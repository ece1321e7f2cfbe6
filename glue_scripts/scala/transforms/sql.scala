/** Runs a Spark SQL query on the data, named `input`, and on other datasets by their names. */
object Sql extends Transform(removes = "removed_by_sql", adds = "added_by_sql") {
  def apply(frame: DataFrame, given: Any, dataset: String => DataFrame): DataFrame = {
    val views = mutable.LinkedHashMap("input" -> frame)
    try run(frame.sparkSession, text(given, "a query"), views, dataset)
    finally views.keys.foreach(frame.sparkSession.catalog.dropTempView)
  }

  /** Reads only the datasets that the query names: Spark reports a missing one at a time, until none is missing. */
  @annotation.tailrec
  private def run(
      spark: SparkSession,
      query: String,
      views: mutable.Map[String, DataFrame],
      dataset: String => DataFrame
  ): DataFrame = {
    views.foreach { case (name, view) => view.createOrReplaceTempView(name) }
    Try(spark.sql(query)) match {
      case Failure(error: AnalysisException) if missing(error).exists(!views.contains(_)) =>
        missing(error).foreach(name => views(name) = dataset(name))
        run(spark, query, views, dataset)
      case result => result.get
    }
  }

  private def missing(error: AnalysisException): Option[String] =
    Some(error).filter(_.getErrorClass == "TABLE_OR_VIEW_NOT_FOUND")
      .map(_.getMessageParameters.get("relationName").replaceAll("^`|`$", ""))
}

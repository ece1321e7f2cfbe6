/** Runs a Spark SQL query on the data, named `input`, and on other datasets by their names. */
object Sql extends Transform(removes = "removed_by_sql", adds = "added_by_sql") {
  def apply(frame: DataFrame, given: Any, dataset: String => DataFrame): DataFrame = {
    val views = mutable.LinkedHashMap("input" -> frame)
    try {
      val found = run(frame.sparkSession, text(given, "a query"), views, dataset)
      checkReadsAll(found)
      found
    } finally views.keys.foreach(frame.sparkSession.catalog.dropTempView)
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

  /** Throws JobError for a query that ends the reading early: rows not read could not be accounted for. */
  private def checkReadsAll(frame: DataFrame): Unit = {
    val plan = frame.queryExecution.optimizedPlan
    if ((plan +: plan.subqueriesAll).exists(endsEarly(_)))
      throw new JobError(
        "a LIMIT, or an EXISTS without a condition, ends the reading before the last row, so rows that cannot be read " +
          "would stay unnoticed. Use LIMIT after an ORDER BY, and `key IN (SELECT key FROM ...)` for EXISTS"
      )
  }

  /** Whether rows that are counted, where a dataset or a step is observed, may stay unread because of a limit. */
  private def endsEarly(plan: LogicalPlan, limited: Boolean = false): Boolean = {
    val within = limits(plan.nodeName) || (limited && !readingAll(plan.nodeName))
    limited && plan.nodeName == "CollectMetrics" || plan.children.exists(endsEarly(_, within))
  }

  private val limits = Set("GlobalLimit", "LocalLimit")
  private val readingAll = Set("Sort", "Aggregate", "Window") // they have read all of their rows before they give one

  private def missing(error: AnalysisException): Option[String] =
    Some(error).filter(_.getErrorClass == "TABLE_OR_VIEW_NOT_FOUND")
      .map(_.getMessageParameters.get("relationName").replaceAll("^`|`$", ""))
}

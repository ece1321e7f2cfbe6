/** The table of the verdict of each rule in each run, failed runs included: one file of JSON lines per run. */
object Results {
  private val Table = "data_quality_results"
  private val Moment = DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm:ss.SSSSSS")
  private val Columns = ListMap(
    "run_id" -> "string",
    "rule" -> "string",
    "column_name" -> "string",
    "otherwise" -> "string",
    "outcome" -> "string",
    "judged" -> "bigint",
    "failed" -> "bigint",
    "share" -> "double",
    "evaluated_at" -> "timestamp"
  )

  /** Add a run's verdicts, or those of a part of it, to the table, and create the table if it does not exist. */
  def publish(
      files: Files,
      catalog: Catalog,
      database: String,
      bucket: String,
      job: String,
      runId: String,
      verdicts: Seq[Verdict],
      part: String
  ): Unit = {
    val (root, identity) = (s"s3://$bucket/$Table/", ListMap("run_id" -> runId, "evaluated_at" -> now))
    val lines = verdicts.map(verdict => Json.write(identity ++ verdict.record) + "\n")
    files.write(s"${root}job=$job/$runId$part.json", lines.mkString)
    val partitions = ListMap(Seq(job) -> s"${root}job=$job/")
    catalog.publish(database, Table, root, Format("json"), Columns, ListMap("job" -> "string"), partitions)
  }

  private def now: String = Moment.format(OffsetDateTime.now(ZoneOffset.UTC))
}

/** The quarantine zone: every row and file that could not be used, with its origin and the reason.
  *
  * A run's folder holds JSON lines of dataset, source_file, raw, reason, found_by, job, run_id, quarantined_at.
  * found_by is the reader, and raw the row's own text in its file; or found_by is a step or `expect`, and raw the row
  * at that point, as JSON.
  */
final class Quarantine(bucket: String, job: String, runId: String, started: OffsetDateTime) {
  private val location = s"s3://$bucket/$job/run_date=${started.toLocalDate}/$runId/"

  /** Write what the source could not read, and return the counts. Its rows must have been read. */
  def keep(spark: SparkSession, source: Source): ListMap[String, Long] = {
    val rows = source.rejected.filter(_ => source.count("bad") > 0)
      .map(keepRows(source.dataset, Quarantine.Reader, _)).getOrElse(0L)
    if (source.files.nonEmpty) {
      val listed = source.files.toSeq.map { case (path, reason) => Row(path, null, reason) }
      val schema = StructType.fromDDL("source_file string, raw string, reason string")
      keepRows(source.dataset, Quarantine.Reader, spark.createDataFrame(listed.asJava, schema))
    }
    ListMap("rows" -> rows, "files" -> source.files.size.toLong)
  }

  /** Write rejected rows of this dataset, and return their number. */
  def keepRows(dataset: String, foundBy: String, rejected: DataFrame): Long = {
    val at = started.format(Quarantine.Moment)
    val ours = Seq("job" -> job, "run_id" -> runId, "quarantined_at" -> at)
    val labels = Seq("dataset" -> dataset, "found_by" -> foundBy) ++ ours
    val explained = labels.foldLeft(rejected) { case (frame, (name, value)) => frame.withColumn(name, lit(value)) }
    val (counted, rows) = Balance.observe(explained)
    counted.write.mode("append").json(location)
    rows()
  }
}

object Quarantine {
  val Reader = "reader"
  val Moment: DateTimeFormatter = DateTimeFormatter.ofPattern("yyyy-MM-dd'T'HH:mm:ss.SSSSSSxxx")
}

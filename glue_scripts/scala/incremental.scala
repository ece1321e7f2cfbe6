/** Incremental runs: Spark's file source finds new files by its checkpoint, and each batch becomes partitions.
  *
  * If a run dies before the checkpoint records a batch, Spark runs the batch again with the same number and files. So
  * what a batch publishes replaces what it published before.
  */
object Batches {
  val Key = "batch" // the last partition key of an incremental table
  val Checkpoint = "checkpoint" // the table parameter that names the checkpoint of its batches
  private val File = "path string, modificationTime timestamp, length bigint, content binary" // of binaryFile
  private val Listed = Seq("expectations", "warnings") // concatenated in the report of several batches
  private val Numbers = Seq("rows_in", "rows_out", "quarantined_rows", "quarantined_files") ++ Balance.Kinds
  private val Nothing: Json.Fields = ListMap(Numbers.map(_ -> (0L: Any)): _*) ++
    ListMap("steps" -> Nil, "quarantined" -> ListMap.empty, "partitions" -> 0L, "files" -> 0L, "bytes" -> 0L)

  val Anew = "Start the job once with --full_refresh true: it rebuilds the table from all files"

  /** Throw JobError if columns of the existing table differ from those of the run's rows. */
  def checkSame(table: String, differing: Seq[String], wayOut: String): Unit = if (differing.nonEmpty)
    throw new JobError(
      s"table $table has other columns than this run's rows: ${differing.sorted.mkString(", ")} differ. $wayOut"
    )

  /** Throw JobError if the data has a column with the key's name. */
  def checkKey(frame: DataFrame): Unit = if (frame.columns.exists(_.equalsIgnoreCase(Key)))
    throw new JobError(
      s"the data has a column '$Key', and an incremental run adds a partition key of that name. " +
        s"Rename the column in a map step, rename: {$Key: NAME}"
    )

  /** Call process with a batch number and the files (path -> size) that are new to the checkpoint.
    *
    * Usually that is one batch with all new files, or none if nothing is new. The batch of a run that died comes first.
    * The files come from the folder, not the catalog, so they include partitions that no crawler has seen yet.
    */
  def each(spark: SparkSession, files: Files, table: Table, checkpoint: String)(
      process: (Long, ListMap[String, Long]) => Unit
  ): Unit = {
    checkOneFolder(table)
    if (files.list(table.location).values.exists(_ > 0)) eachNew(spark, files, table, checkpoint)(process)
  }

  /** Throw JobError for a table with a partition outside its folder, where Spark's file source would not look. */
  private def checkOneFolder(table: Table): Unit = for ((values, place) <- table.elsewhere) {
    val shown = table.keys.keys.zip(values).map { case (key, value) => s"$key=$value" }.mkString("/")
    throw new JobError(
      s"dataset ${table.dataset}: its partition $shown lies at $place, and an incremental run finds new files " +
        s"only in ${table.location}. Move its files there, or take `incremental` out of the job"
    )
  }

  private def eachNew(spark: SparkSession, files: Files, table: Table, checkpoint: String)(
      process: (Long, ListMap[String, Long]) => Unit
  ): Unit = {
    // Without a maximum age, Spark would ignore files a week older than the newest.
    val options = Map("recursiveFileLookup" -> "true", "maxFileAge" -> "36500d")
    val stream = spark.readStream.format("binaryFile").schema(File).options(options).load(table.location)
    var failed: Option[Throwable] = None
    def call(frame: DataFrame, number: Long): Unit =
      try {
        val found = frame.collect().map(row => row.getString(0) -> row.getLong(1))
        process(number, ListMap(found: _*) ++ files.list(table.location).filter(_._2 == 0)) // Spark ignores these
      } catch {
        case error: Throwable =>
          failed = Some(error)
          throw error
      }
    val query = stream.select("path", "length").writeStream.foreachBatch(call _)
      .option("checkpointLocation", checkpoint).trigger(Trigger.AvailableNow).start()
    try query.awaitTermination()
    catch { case error: StreamingQueryException => throw failed.getOrElse(trouble(error, checkpoint)) }
  }

  private def trouble(error: StreamingQueryException, checkpoint: String) = new JobError(
    s"the checkpoint $checkpoint cannot be used: ${error.getMessage.trim.split("\n").head}. " +
      "A run with --full_refresh true starts a new one"
  )

  /** Merge the reports of several batches, or of none, into one. */
  def total(reports: Seq[Json.Fields]): Json.Fields = {
    val found = reports.foldLeft(Nothing) { (before, report) =>
      sum(before, report -- Listed).asInstanceOf[Json.Fields] ++ Listed.flatMap(listed(_, before, report))
    }
    found + ("batches" -> reports.size)
  }

  private def listed(name: String, reports: Json.Fields*): Option[(String, Any)] = {
    val lines = reports.flatMap(_.get(name)).collect { case lines: Seq[_] => lines }.flatten
    if (lines.isEmpty) None else Some(name -> lines)
  }

  private def sum(one: Any, other: Any): Any = (one, other) match {
    case (a: ListMap[_, _], b: ListMap[_, _]) =>
      val (before, added) = (a.asInstanceOf[Json.Fields], b.asInstanceOf[Json.Fields])
      ListMap(added.toSeq.map { case (name, value) => name -> before.get(name).fold(value)(sum(_, value)) }: _*)
    case (a: Seq[_], b: Seq[_]) => if (a.isEmpty) b else a.zip(b).map { case (x, y) => sum(x, y) }
    case (a: Double, b: Double) => a + b
    case (a: Number, b: Number) => a.longValue + b.longValue
    case _ => other
  }
}

/** Entry point of the Scala jobs, whose files are joined into one script that Glue compiles: reads one dataset, applies
  * the job's steps and writes one table. It matches run_job.py and lake_etl file by file; tests check that they agree.
  */
object GlueApp {
  def main(sysArgs: Array[String]): Unit = {
    val report = try new JobRun(Arguments(sysArgs)).report()
    catch {
      case error: JobError => throw new JobError(error.getMessage)
      case error: Throwable =>
        error.printStackTrace()
        throw new JobError(Errors.reason(error))
    }
    println(s"LAKE_REPORT ${Json.write(report)}")
  }
}

/** The job's arguments, `--name value`. Glue adds its own; unknown arguments are ignored. */
final case class Arguments(sysArgs: Array[String]) {
  private val given = sysArgs.sliding(2).collect {
    case Array(name, value) if name.startsWith("--") => name.drop(2) -> value
  }.toMap

  val runId: String = given.getOrElse("JOB_RUN_ID", UUID.randomUUID.toString)

  def get(name: String): Option[String] = given.get(name)

  def apply(name: String): String = given.getOrElse(name, throw new JobError(s"argument --$name is missing"))
}

/** A job run: reads the source, applies the steps, writes and registers the table, and accounts for every row. */
final class JobRun(arguments: Arguments) {
  private val started = OffsetDateTime.now(ZoneOffset.UTC)
  private val spark = session()
  private val files = new Files(spark)
  private val region = arguments.get("aws_region")
  private val catalog = new Catalog(Aws("glue", region))
  private val curated = arguments("curated_database")
  private val versions = new Versions(files, catalog, arguments("JOB_NAME"))

  def report(): Json.Fields = {
    spark.sparkContext.addSparkListener(new Progress)
    val spec = readSpec(arguments("spec"))
    try if (DatabaseSink.isOne(spec)) loaded(spec) else inFiles(spec)
    finally spark.catalog.clearCache()
  }

  /** A run that writes into a table of a database. */
  private def loaded(spec: Options): Json.Fields = {
    val sink = DatabaseSink(spec.nested("sink"))
    val load = new Load(database(sink.connection), sink, spec.text("job"), arguments.runId)
    try {
      load.check()
      val (report, written) = write(spec, load.name, new Sources(spec), load.write)
      load.publish(written)
      try keepReport(report)
      catch {
        // The user must know before starting the job again: an insert would add the rows twice.
        case error: Exception =>
          val what = s"the rows are in ${load.name}, and only the run's report is missing"
          throw new JobError(s"$what: ${Errors.reason(error)}")
      }
      report
    } finally load.close()
  }

  private def database(connection: String): Database =
    Database.find(Aws("glue", region), Aws("secretsmanager", region), connection)

  /** A run that writes files of the curated zone. */
  private def inFiles(spec: Options): Json.Fields = {
    val sink = sinkOf(spec)
    catalog.check(curated, sink, sink.keys ++ (if (spec.flag("incremental")) Some(Batches.Key) else None))
    if (spec.flag("incremental")) incremental(spec, sink) else whole(spec, sink)
  }

  /** A run over the whole source. */
  private def whole(spec: Options, sink: Sink): Json.Fields = {
    val folder = Versions.folder(sink.root, arguments.runId)
    val (report, written) = write(spec, nameOf(sink), new Sources(spec), sink.write(_, folder))
    val replaced = kept(sink, written)
    addFeatures(spec, written)
    catalog.publish(curated, sink, if (sink.keys.isEmpty) written.location else sink.root, written)
    keepReport(report)
    // The version just replaced is no longer in the catalog but stays: queries may still be reading it.
    versions.removeUnused(sink.root, replaced ++ catalog.locations(curated, sink.table))
    report
  }

  /** The table's previous locations. Throws JobError if partitions that stay have columns of other types. */
  private def kept(sink: Sink, written: Written): Seq[String] = {
    val before = catalog.registered(curated, sink.table)
    if (sink.keys.nonEmpty && before.keys.exists(!written.partitions.contains(_))) {
      val (there, columns) = (catalog.columnsOf(curated, sink.table), written.columns)
      val retyped = there.keys.toSeq.filter(name => columns.get(name).exists(_ != there(name)))
      val moved = there.keys.toSeq.zipAll(columns.keys.take(there.size), "", "").collect { case (a, b) if a != b => a }
      val differing = if (sink.format.byPosition) (retyped ++ moved).distinct else retyped
      Batches.checkSame(nameOf(sink), differing, JobRun.OtherTable)
    }
    before.values.toSeq
  }

  /** A run on the files that no run has read before. */
  private def incremental(spec: Options, sink: Sink): Json.Fields = {
    val checkpoints = s"s3://${arguments("curated_bucket")}/_checkpoints/${spec.text("job")}/"
    val refresh = arguments.get("full_refresh").contains("true")
    val known = if (refresh) None else catalog.parameter(curated, sink.table, Batches.Checkpoint)
    val checkpoint = known.getOrElse(Versions.folder(checkpoints, arguments.runId))
    val (replaced, reports) = (catalog.locations(curated, sink.table), mutable.ArrayBuffer.empty[Json.Fields])
    val source = catalog.find(arguments("raw_database"), spec.named("tables")(spec.text("source")), spec.text("source"))
    Batches.each(spark, files, source, checkpoint) { (number, only) =>
      val folder = s"${Versions.folder(sink.root, arguments.runId)}${Batches.Key}=$number/"
      val save = (rows: DataFrame) => {
        Batches.checkKey(rows)
        sink.write(rows, folder)
      }
      val (report, written) = write(spec, nameOf(sink), new Sources(spec, Some(only)), save, part = s"-$number")
      catalog.checkBatch(curated, sink, number, written)
      addFeatures(spec, written)
      catalog.publishBatch(curated, sink, checkpoint, number, written)
      reports += report
    }
    val report = identity(spec, nameOf(sink)) ++ Batches.total(reports) ++ time()
    keepReport(report)
    versions.removeUnused(sink.root, replaced ++ catalog.locations(curated, sink.table))
    versions.removeUnused(checkpoints, checkpoint +: catalog.parameter(curated, sink.table, Batches.Checkpoint).toSeq)
    report
  }

  private def addFeatures(spec: Options, written: Written): Unit =
    if (spec.get("feature_group").nonEmpty) new FeatureGroup(spark, catalog, spec.nested("feature_group")).add(written)

  private def nameOf(sink: Sink): String = s"$curated.${sink.table}"

  /** Apply the steps, save the rows, and account for every one. table is its name in the report. */
  private def write(
      spec: Options,
      table: String,
      sources: Sources,
      save: DataFrame => Written,
      part: String = ""
  ): (Json.Fields, Written) = {
    val (steps, judged, written) = counted(spec, sources, save)
    val quarantine = new Quarantine(arguments("quarantine_bucket"), spec.text("job"), arguments.runId, started)
    val source = sources(spec.text("source"))
    val kept = ListMap(sources.read.toSeq.map { case (name, read) => name -> quarantine.keep(spark, read) }: _*)
    val rejected = Steps.keepRejects(quarantine, source, steps) + judged.keepRejects(quarantine, source.dataset)
    val verdicts = judged.verdicts
    val (job, bucket) = (spec.text("job"), arguments("curated_bucket"))
    if (verdicts.nonEmpty) Results.publish(files, catalog, curated, bucket, job, arguments.runId, verdicts, part)
    Expectations.check(verdicts)
    val report = identity(spec, table) ++ ListMap[String, Any](
      "rows_in" -> source.count("rows"),
      "rows_out" -> written.rows,
      "quarantined_rows" -> (kept(source.dataset)("rows") + rejected),
      "quarantined_files" -> kept.values.map(_("files")).sum
    ) ++ Balance.account(source.good, steps) ++ ListMap(
      "quarantined" -> kept,
      "partitions" -> written.partitions.size,
      "files" -> written.files,
      "bytes" -> written.bytes
    ) ++ time() ++ CastNulls.summary(CastNulls(steps), CastNulls.warnOver(spec)) ++
      (if (verdicts.isEmpty) None else Some("expectations" -> verdicts.map(_.record)))
    Balance.check(report)
    sources.checkUnchanged()
    (report, written)
  }

  /** Save the rows, and once more unless each row was read and counted once: a task is counted again if Spark repeats
    * it for a lost executor.
    */
  private def counted(spec: Options, sources: Sources, save: DataFrame => Written): (Seq[Applied], Judged, Written) = {
    val first = saved(spec, sources, save)
    val (steps, judged, written) = first
    val source = sources(spec.text("source"))
    val after = Steps.rowsAfter(source.good, steps)
    sources.shuffles = Steps.leaveUnread(steps, after, sources.read.values.filterNot(_ eq source).toSeq)
    val left = after.lastOption.getOrElse(source.good)
    if (!sources.shuffles && left == written.rows + judged.rejects) first
    else {
      sources.read.clear()
      saved(spec, sources, save)
    }
  }

  /** Save the rows, without the files that cannot be read. */
  private def saved(spec: Options, sources: Sources, save: DataFrame => Written): (Seq[Applied], Judged, Written) = {
    def once() = {
      val rows = sources(spec.text("source")).rows
      val (frame, steps) = Steps(rows, spec.list("steps"), sources.other, sources.shuffles)
      val judged = Expectations.judge(frame, spec.list("expect").map(Rule(_)), sources.other, started)
      (steps, judged, save(judged.rows))
    }
    try once()
    catch {
      case error: Exception if Database.ofReading(error) => throw sources.failed(error)
      case error: Exception if Errors.ofQuery(error) && sources.beginAgain() => once()
    }
  }

  private def identity(spec: Options, table: String): Json.Fields = ListMap(
    "job" -> spec.text("job"),
    "run_id" -> arguments.runId,
    "source" -> spec.text("source"),
    "table" -> table
  )

  private def time(): Json.Fields = ListMap(
    "started_at" -> started.format(Quarantine.Moment),
    "seconds" -> java.time.Duration.between(started, OffsetDateTime.now).toMillis / 100 / 10.0
  )

  /** Write one line of JSON, so that a crawler can make a table of reports. The job is a partition, not a column. */
  private def keepReport(report: Json.Fields): Unit = {
    val place = s"s3://${arguments("curated_bucket")}/job_reports/job=${report("job")}/${arguments.runId}.json"
    files.write(place, Json.write(report - "job") + "\n")
  }

  private def session(): SparkSession = {
    val spark = SparkSession.builder.appName(arguments("JOB_NAME")).getOrCreate()
    JobRun.Settings.foreach { case (setting, value) => spark.conf.set(setting, value) }
    arguments.get("lake_etl").foreach(spark.conf.set(FindMatches.Library, _))
    spark
  }

  private def readSpec(location: String): Options = {
    val text = Try(files.read(location)).recover { case error =>
      throw new JobError(s"--spec $location: ${error.getMessage}")
    }.get
    val spec = Options(Json.read(text))
      .check(Seq("job", "source", "tables", "steps", "sink"), JobRun.Optional)
    Steps.check(spec.list("steps"))
    spec.list("expect").foreach(Rule(_))
    if (DatabaseSink.isOne(spec)) DatabaseSink(spec.nested("sink")) else sinkOf(spec)
    spec
  }

  private def sinkOf(spec: Options): Sink =
    Sink(Convert.converted(spec.nested("sink"), spec.list("steps")), arguments("curated_bucket"))

  /** The datasets of the job by name, each read once: those of `databases` are tables there, the others are files.
    *
    * In a batch, the source has only the batch's files.
    */
  private final class Sources(spec: Options, batch: Option[ListMap[String, Long]] = None) {
    private val (tables, databases, source) = (spec.named("tables"), spec.each("databases"), spec.text("source"))
    private val multiline = spec.texts("multiline")
    private var damage = Map.empty[String, Damage]
    var shuffles = false // whether all rows go through a shuffle before a join
    val read: mutable.LinkedHashMap[String, Source] = mutable.LinkedHashMap.empty

    def apply(dataset: String): Source =
      read.getOrElseUpdate(dataset, databases.get(dataset).fold(inFiles(dataset))(inDatabase(dataset, _)))

    private def inFiles(dataset: String): Source = {
      val name = tables.getOrElse(dataset, throw Errors.unknown("dataset", dataset, tables.keys ++ databases.keys))
      val only = batch.filter(_ => dataset == source)
      val known = damage.getOrElse(dataset, Damage.None)
      val found = catalog.find(arguments("raw_database"), name, dataset)
      val table = if (multiline.contains(dataset)) CsvRows.withMultiline(found) else found
      Source(spark, files, table, only, known)
    }

    /** Discard what was read, and exclude the files that cannot be read. False if there are none. */
    def beginAgain(): Boolean = {
      damage = read.map { case (dataset, source) => dataset -> source.damage() }.filter(_._2.nonEmpty).toMap
      read.clear()
      damage.nonEmpty
    }

    /** Throws JobError for a file that was replaced while it was read: Spark reads the new one to the old length. */
    def checkUnchanged(): Unit = for ((dataset, source) <- read; path <- source.changed())
      throw new JobError(s"dataset $dataset: $path was replaced or deleted while the job read it. " +
        "Nothing is published. Run the job again")

    /** Of a query that failed because of a database that it was reading. */
    def failed(error: Exception): JobError = {
      val datasets = read.keys.toSeq.filter(databases.contains)
      val connections = datasets.map(databases(_).text("connection")).distinct
      val reasons = connections.map(name => database(name).refusal(error).getMessage).mkString(" or ")
      new JobError(s"while reading ${datasets.mkString(", ")}: $reasons. Nothing is published")
    }

    private def inDatabase(dataset: String, place: Options): Source =
      DatabaseSource(spark, database(place.text("connection")), place.text("table"), dataset)

    /** A dataset that a step names. */
    def other(dataset: String): DataFrame = {
      if (batch.nonEmpty && dataset == source)
        throw new JobError(s"dataset $dataset is the source of an incremental job, so it has only new files here too")
      apply(dataset).rows
    }
  }
}

object JobRun {
  private val Optional = Seq("databases", "multiline", "expect", "incremental", "cast_nulls", "feature_group")
  private val OtherTable = "Partitions that this run has no rows for would keep the others. " +
    "Give the sink another table name, or delete the table and its files first"
  val Settings: Map[String, String] = Map(
    "spark.sql.session.timeZone" -> "UTC",
    // A row that a filter below its count drops, because no other side of a join has its key, is not counted. No dataset
    // has partitions of Spark's own, and to look for them through all that is computed of a wide line takes all memory.
    "spark.sql.optimizer.dynamicPartitionPruning.enabled" -> "false",
    "spark.sql.optimizer.runtime.bloomFilter.enabled" -> "false",
    // Of a key that is twice in a map of JSON, the last value counts.
    "spark.sql.mapKeyDedupPolicy" -> "LAST_WIN",
    // Keep dates and timestamps of any century unchanged: no file is treated as written by Spark 2.
    "spark.sql.legacy.timeParserPolicy" -> "CORRECTED",
    "spark.sql.parquet.datetimeRebaseModeInRead" -> "CORRECTED",
    "spark.sql.parquet.datetimeRebaseModeInWrite" -> "CORRECTED",
    "spark.sql.parquet.int96RebaseModeInRead" -> "CORRECTED",
    "spark.sql.parquet.int96RebaseModeInWrite" -> "CORRECTED",
    // Blocks of S3 objects have no locality, and asking for it costs a call per file.
    "spark.sql.sources.ignoreDataLocality" -> "true",
    // Nested folders of small files (year/month/day/hour) are listed in parallel from the months on.
    "spark.sql.sources.parallelPartitionDiscovery.threshold" -> "8",
    // The optimizer would remove an empty branch from the plan, and the counts observed in it.
    "spark.sql.adaptive.optimizer.excludedRules" -> "org.apache.spark.sql.execution.adaptive.AQEPropagateEmptyRelation",
    "spark.sql.optimizer.excludedRules" -> Seq("PropagateEmptyRelation", "PruneFilters")
      .map(rule => s"org.apache.spark.sql.catalyst.optimizer.$rule").mkString(",")
  )
}

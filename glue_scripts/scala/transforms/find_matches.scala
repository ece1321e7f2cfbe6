/** Records of the same thing, though no field is equal, get the same match_id, and a match_confidence_score.
  *
  * The model is Python: lake_etl.match_files gets the records as files, in its own process.
  */
object FindMatches extends Transform {
  val Library = "spark.lake.library" // the setting with the path of the Python package, a folder or a zip
  private val (matchId, score) = ("match_id", "match_confidence_score")
  private val Id = s"${Names.Own}id"

  def apply(frame: DataFrame, given: Any, dataset: String => DataFrame): DataFrame = {
    val step = options(given).check(Seq("columns", "id"), Seq("threshold", "blocking", "compare", "known"))
    val (id, columns) = (step.text("id"), step.named("columns").keys.toSeq)
    check(frame, id +: columns)
    val known = step.get("known").map(_.toString).map { name =>
      val found = dataset(name)
      Errors.checkColumns(found, Seq(id, matchId, score) ++ columns, s"dataset $name")
      texts(found, id, columns, col(matchId), col(score).cast("string").as(score))
    }
    val found = matched(frame.sparkSession, step, texts(frame, id, columns, lit(null)), known)
    val joined = frame.withColumn(Id, Names.column(id).cast("string")).join(found, Seq(Id), "left").drop(Id)
    joined.withColumn(matchId, col(matchId).cast(Names.typeOf(frame, id)))
  }

  private def check(frame: DataFrame, names: Seq[String]): Unit = {
    Errors.checkColumns(frame, names)
    for (name <- Seq(matchId, score) if frame.columns.exists(_.equalsIgnoreCase(name)))
      throw new JobError(s"the data already has a column '$name'. Rename it in an earlier step")
  }

  /** The compared columns as text, and the record's _id and _known match_id. */
  private def texts(frame: DataFrame, id: String, columns: Seq[String], known: Column, more: Column*): DataFrame = {
    val compared = columns.map(name => Names.column(name).cast("string").as(name))
    frame.select(Names.column(id).cast("string").as("_id") +: known.cast("string").as("_known") +: (compared ++ more): _*)
  }

  private def matched(spark: SparkSession, step: Options, fresh: DataFrame, known: Option[DataFrame]): DataFrame = {
    val folder = Disk.createTempDirectory("find_matches")
    try {
      Disk.writeString(folder.resolve("options.json"), Json.write(step.given))
      for ((name, frame) <- Seq("new" -> Some(fresh), "known" -> known); rows <- frame)
        Disk.write(folder.resolve(s"$name.json"), rows.toJSON.collectAsList())
      run(folder, library(spark, folder.resolve("library")))
      val lines = spark.createDataset(Disk.readAllLines(folder.resolve("matches.json")))(Encoders.STRING)
      spark.read.schema(s"_id string, $matchId string, $score double").json(lines).withColumnRenamed("_id", Id)
    } finally FileUtils.deleteDirectory(folder.toFile)
  }

  /** A copy of the Python package on this machine. */
  private def library(spark: SparkSession, copy: DiskPath): DiskPath = {
    val place = new Path(spark.conf.getOption(Library).getOrElse(throw new JobError("argument --lake_etl is missing")))
    val files = place.getFileSystem(spark.sparkContext.hadoopConfiguration)
    files.copyToLocalFile(false, place, new Path(copy.toUri), true)
    copy
  }

  private def run(folder: DiskPath, library: DiskPath): Unit = {
    val python = sys.env.getOrElse("PYSPARK_PYTHON", "python3")
    val process = new ProcessBuilder(python, "-m", "lake_etl.match_files", folder.toString).redirectErrorStream(true)
    process.environment.merge("PYTHONPATH", library.toString, (others, own) => s"$own:$others")
    val running = process.start()
    val output = new String(running.getInputStream.readAllBytes(), UTF_8)
    if (running.waitFor() != 0) throw new JobError(output.trim.split("\n").last)
    if (output.trim.nonEmpty) System.err.println(output.trim)
  }
}

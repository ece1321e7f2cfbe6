/** What a run wrote: rows and bytes counted in the files, partitions as values -> location. */
final case class Written(
    location: String,
    rows: Long,
    bytes: Long,
    files: Long,
    columns: ListMap[String, String],
    keys: ListMap[String, String],
    partitions: ListMap[Seq[String], String]
)

/** Where and how a job writes: one folder per partition, inside a folder of the run. */
final case class Sink(options: Options, bucket: String) {
  options.check(Seq("table"), Seq("format", "compression", "partition_by", "target_file_mb"))
  val table: String = options.text("table")
  val keys: List[String] = options.texts("partition_by")
  val root = s"s3://$bucket/$table/"
  val format: Format = Format(options.text("format", "parquet"))
  private val compression = options.text("compression", format.compressions.head)
  private val targetFileMb = options.number("target_file_mb")
  if (!format.compressions.contains(compression))
    throw Errors.unknown(s"sink compression of ${format.name}", compression, format.compressions)

  /** Write the frame into the run's own folder, and count the rows in the files. */
  def write(frame: DataFrame, location: String): Written = {
    Errors.checkColumns(frame, keys, "the data that goes to the sink")
    if (keys.size == frame.columns.length)
      throw new JobError(s"sink partition_by: ${keys.mkString(", ")} are all the columns. Leave one for the files")
    val held = Exact.held(frame, format.name, keys)
    withFileSize(frame.sparkSession)(save(arranged(held), location))
    val (rows, sizes) = arrived(held, location)
    val types = ListMap(held.schema.map(field => field.name.toLowerCase -> hiveType(field.dataType)): _*)
    val lower = keys.map(_.toLowerCase)
    val folders = sizes.keys.map(_.split("/").init.takeRight(keys.size).toList).toSeq.distinct.filter(_.nonEmpty)
    val partitions = folders.map(names => names.map(value) -> s"$location${names.mkString("/")}/")
    Written(
      location,
      rows,
      sizes.values.sum,
      sizes.size,
      types -- lower,
      ListMap(lower.map(key => key -> types(key)): _*),
      ListMap(partitions.sortBy(_._2): _*)
    )
  }

  /** The value of `name=a%2Fb`: Spark escapes it as Hive does. */
  private def value(folder: String): String = ExternalCatalogUtils.unescapePathName(folder.split("=", 2).last)

  /** Brings the rows of a partition together, in as many tasks as there should be files. */
  private def arranged(frame: DataFrame): DataFrame =
    if (targetFileMb.nonEmpty) frame.hint("rebalance", keys.map(UnresolvedAttribute.quoted): _*)
    else if (keys.nonEmpty) frame.repartition(keys.map(Names.column): _*)
    else frame

  /** Sets the session's partition size, by which adaptive execution splits what it rebalances. */
  private def withFileSize(spark: SparkSession)(write: => Unit): Unit = {
    val settings = targetFileMb.fold(Map.empty[String, String])(size => Map(
      "spark.sql.adaptive.advisoryPartitionSizeInBytes" -> s"${size * format.shuffled}MB",
      "spark.sql.adaptive.coalescePartitions.parallelismFirst" -> "false"
    ))
    val before = settings.keys.map(name => name -> spark.conf.get(name)).toMap
    settings.foreach { case (name, value) => spark.conf.set(name, value) }
    try write
    finally before.foreach { case (name, value) => spark.conf.set(name, value) }
  }

  private def save(frame: DataFrame, location: String): Unit =
    try {
      val writer = (if (format.name == "csv") CsvLines(frame, keys) else frame).write
      val codec = if (compression == "none") "uncompressed" else compression
      writer.format(if (format.name == "csv") "text" else format.name).mode("overwrite")
      val options = Map("compression" -> codec, "timestampFormat" -> Sink.Timestamp, "timestampNTZFormat" -> Sink.Timestamp)
      writer.options(options).partitionBy(keys: _*).save(location)
    } catch {
      case error: AnalysisException if error.getMessage.contains(s"Failed to find data source: ${format.name}") =>
        throw new JobError(
          s"sink format ${format.name}: this Spark cannot write it. Give the job its jar (spark-${format.name}), " +
            s"or write one of: ${Format.All.map(_.name).filter(_ != format.name).mkString(", ")}"
        )
      case error: SparkException if !Errors.ofRows(error) =>
        throw new JobError(s"while writing $location: ${Errors.reason(error)}", error)
    }

  /** The number of rows, and path -> size in bytes of their files. */
  private def arrived(frame: DataFrame, location: String): (Long, Map[String, Long]) = {
    val reader = () => frame.sparkSession.read.option("recursiveFileLookup", "true")
    val (kind, schema) = if (format.isText) ("text", new StructType().add("value", StringType))
    else (format.name, frame.drop(keys: _*).schema)
    val rows = reader().format(kind).schema(schema).load(location).count()
    val files = reader().format("binaryFile").load(location).select("path", "length").collect()
    (rows, if (rows == 0) Map.empty else files.map(file => file.getString(0) -> file.getLong(1)).toMap)
  }

  private def hiveType(type_ : DataType): String = type_.catalogString.replace("timestamp_ntz", "timestamp")
}

object Sink {
  private val Timestamp = "yyyy-MM-dd HH:mm:ss.SSSSSS" // the format that the text readers of Hive and Athena expect
}

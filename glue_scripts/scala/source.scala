/** A dataset being read: the good rows go on, and what cannot be read is kept apart with its reason.
  *
  * rows      what the steps work on: the good rows, with the table's columns and partition keys
  * rejected  the bad rows: source_file, raw, reason (None where rows cannot be bad: Parquet)
  * files     the files of which nothing can be read: path -> reason
  * counts    filled once a query has read the rows: "rows" read in all, "bad" among them
  * damaged   looks for further files of which nothing can be read: path -> reason
  */
final case class Source(
    dataset: String,
    rows: DataFrame,
    rejected: Option[DataFrame],
    files: ListMap[String, String],
    counts: Observation,
    damaged: () => ListMap[String, String] = () => ListMap.empty
) {
  def count(name: String): Long = Balance.observed(counts)(name).asInstanceOf[Long]

  def good: Long = count("rows") - count("bad")
}

object Source {
  private val (corrupt, file) = ("_lake_corrupt_record", "_lake_source_file")
  private val CanBeBad = Seq("csv", "json")

  /** Read a table of the catalog, or only some of its files (path -> size in bytes), without some (path -> reason).
    *
    * Nothing is read yet but file names. So a Parquet file that is damaged makes the query fail that reads it, and
    * `damaged` then finds all of them: to open thousands of files beforehand would cost as much as the job.
    */
  def apply(
      spark: SparkSession,
      files: Files,
      table: Table,
      only: Option[ListMap[String, Long]],
      without: ListMap[String, String]
  ): Source = {
    val sizes = only.getOrElse(files.list(table.location))
    val empty = sizes.collect { case (path, 0) => path -> "the file is empty (0 bytes)" }
    val lines = table.format == "json" && !table.parameters.contains("jsonPath")
    val filled = sizes.collect { case (path, size) if size > 0 => path }.toSeq
    val leftOut = without ++ (if (lines) JsonLines.withMore(files, filled) else Nil)
    val loaded = load(spark, table, sizes, some = only.nonEmpty)
    // Spark applies a condition on the file's name before it opens the file.
    val frame = if (leftOut.isEmpty) loaded
    else withFile(loaded).where(!col(file).isin(leftOut.keys.map(uri).toSeq: _*))
    val counts = Observation()
    val rows = good(table, counted(table, frame, counts))
    val look = () => if (table.format == "parquet") damaged(spark, loaded, sizes) else ListMap.empty[String, String]
    new Source(table.dataset, rows, rejected(table, frame), empty ++ leftOut, counts, look)
  }

  /** The table with all its columns, for text formats the raw text of the bad rows, and the file if keys need it. */
  private def load(spark: SparkSession, table: Table, sizes: ListMap[String, Long], some: Boolean): DataFrame = {
    val columns = table.columns ++ (if (canBeBad(table)) Some(corrupt -> "string") else None)
    val hive = hiveStyle(table, sizes)
    if (sizes.values.forall(_ == 0)) {
      val schema = StructType.fromDDL(ddl(columns ++ table.keys + (file -> "string")))
      return spark.createDataFrame(List.empty[Row].asJava, schema)
    }
    val path = table.parameters.get("jsonPath")
    val inFiles = path.fold(columns)(_ => ListMap("value" -> "string")) ++ (if (hive) table.keys else Nil)
    val reader = options(spark.read.schema(ddl(inFiles)).format(path.fold(table.format)(_ => "text")), table)
    val placed = if (hive) reader.option("basePath", table.location) else reader.option("recursiveFileLookup", "true")
    val filled = sizes.collect { case (path, size) if size > 0 => literal(path) }.toSeq
    val places = if (some) filled else Seq(table.location)
    val files = placed.load(places: _*)
    val frame = path.fold(files)(Documents.records(withFile(files), _, table.columns, corrupt))
    if (hive || table.keys.isEmpty) frame else plainPartitions(withFile(frame), table)
  }

  /** Each row with its file. Spark makes the metadata of every row where it is named, even if nothing needs it. */
  private def withFile(frame: DataFrame): DataFrame =
    if (frame.columns.contains(file)) frame else frame.select(col("*"), col("_metadata.file_path").as(file))

  private def canBeBad(table: Table) = CanBeBad.contains(table.format)

  /** Whether folders are named key=value. Else their values go by position, as a crawler's partition_0 does. */
  private def hiveStyle(table: Table, sizes: ListMap[String, Long]): Boolean =
    sizes.keys.headOption.exists(first => table.keys.keys.exists(key => first.startsWith(s"${table.location}$key=")))

  private def plainPartitions(frame: DataFrame, table: Table): DataFrame = {
    val folders = split(substring(col(file), table.location.length + 1, Int.MaxValue), "/")
    table.keys.zipWithIndex.foldLeft(frame) { case (wider, ((key, type_), place)) =>
      wider.withColumn(key, get(folders, lit(place)).cast(type_))
    }
  }

  private def options(reader: DataFrameReader, table: Table): DataFrameReader =
    if (table.parameters.contains("jsonPath")) reader.option("wholetext", "true")
    else reader.options(corruptOptions ++ (if (table.format == "csv") table.csvOptions else Nil))

  private def corruptOptions = Map("mode" -> "PERMISSIVE", "columnNameOfCorruptRecord" -> corrupt)

  /** The frame, with its rows, its bad rows, and its rows that have any value counted by what reads it.
    *
    * Naming every column keeps Spark from skipping those that the job does not use. A value that does not fit its
    * type is found only in a column that is read, and each pass over the data must find the same.
    */
  private def counted(table: Table, frame: DataFrame, counts: Observation): DataFrame = {
    val bad = if (canBeBad(table)) count(col(corrupt)) else lit(0L)
    // It looks only as far as the first value that is there: a fraction of the cost of one count a column.
    val filled = coalesce(table.columns.keys.toSeq.map(name => when(Names.column(name).isNotNull, true)): _*)
    frame.observe(counts, count(lit(1)).as("rows"), bad.as("bad"), count(filled).as("filled"))
  }

  private def good(table: Table, frame: DataFrame): DataFrame = {
    val rows = if (canBeBad(table)) frame.where(col(corrupt).isNull) else frame
    rows.select((table.columns ++ table.keys).keys.toSeq.map(Names.column): _*)
  }

  private def rejected(table: Table, frame: DataFrame): Option[DataFrame] = if (!canBeBad(table)) None
  else {
    val all = counted(table, withFile(frame), Observation())
    val bad = all.where(col(corrupt).isNotNull).withColumn("texts", asTexts(table))
    Some(bad.select(col(file).as("source_file"), col(corrupt).as("raw"), reason(table).as("reason")))
  }

  /** The raw row parsed again with every column a string, to see what was wrong with it. */
  private def asTexts(table: Table): Column = {
    val texts = StructType((table.columns.keys.toSeq :+ corrupt).map(StructField(_, StringType)))
    if (table.format == "csv") from_csv(col(corrupt), texts, corruptOptions ++ table.csvOptions)
    else from_json(col(corrupt), texts, corruptOptions)
  }

  private def reason(table: Table): Column = {
    val shape = if (table.format == "csv") s"the row does not have ${table.columns.size} fields"
    else "the line is not valid JSON"
    val values = table.columns.toSeq.filterNot { case (_, type_) => type_.matches("(array|map|struct|binary).*") }
    val otherwise = lit("a value does not fit the type of its column")
    val nothing = table.parameters.get("jsonPath").map { path =>
      when(col(Documents.NothingThere), lit(s"the document has nothing at $path"))
    }
    val broken = when(col(s"texts.$corrupt").isNotNull, lit(shape))
    coalesce(nothing.toSeq ++ (broken +: values.map((unfit _).tupled) :+ otherwise): _*)
  }

  private def unfit(column: String, type_ : String): Column = {
    val text = s"texts.`$column`"
    val said = concat(lit(s"column $column: '"), expr(text), lit(s"' is not $type_"))
    when(expr(s"$text IS NOT NULL AND try_cast($text AS $type_) IS NULL"), said)
  }

  /** Path -> reason of the Parquet files that cannot be read. Only those that gave no row are tried alone. */
  private def damaged(spark: SparkSession, frame: DataFrame, sizes: ListMap[String, Long]): ListMap[String, String] = {
    spark.conf.set("spark.sql.files.ignoreCorruptFiles", "true")
    val gaveRows = try withFile(frame).select(file).distinct().collect().map(_.getString(0)).toSet
    finally spark.conf.unset("spark.sql.files.ignoreCorruptFiles")
    val suspects = sizes.toSeq.collect { case (path, size) if size > 0 && !gaveRows(uri(path)) => path }
    ListMap(suspects.flatMap(path => fault(spark, path).map(path -> _)): _*)
  }

  /** What Parquet says of the file: the innermost cause. None for a file that is whole. */
  private def fault(spark: SparkSession, path: String): Option[String] =
    Try(spark.read.parquet(path)).failed.toOption.map { error =>
      Iterator.iterate(error)(_.getCause).takeWhile(_ != null).toSeq.last.getMessage.split("\n").head
    }

  /** The path for Spark's reader, which would take it for a pattern of paths. */
  private def literal(path: String): String = path.replaceAll("([\\\\{}\\[\\]*?])", "\\\\$1")

  /** The path as Spark's file metadata has it. */
  private def uri(path: String): String = new Path(path).toUri.toString

  private def ddl(columns: Map[String, String]): String =
    columns.map { case (name, type_) => s"${Names.quoted(name)} $type_" }.mkString(", ")
}

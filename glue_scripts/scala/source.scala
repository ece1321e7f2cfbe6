/** A dataset being read: good rows go on; what cannot be read is set aside with a reason.
  *
  * rows      the good rows, with the table's columns and partition keys: the input of the steps
  * rejected  the bad rows: source_file, raw, reason (None if there can be none: Parquet)
  * files     files that cannot be read at all: path -> reason
  * counts    filled once a query has read the rows: all "rows", and the "bad" ones among them
  * damage    finds the files that make a query fail
  * changed   the first file that was replaced or deleted since it was listed; None if none was
  */
final case class Source(
    dataset: String,
    rows: DataFrame,
    rejected: Option[DataFrame],
    files: ListMap[String, String],
    counts: Observation,
    damage: () => Damage,
    changed: () => Option[String]
) {
  def count(name: String): Long = Balance.observed(counts)(name).asInstanceOf[Long]

  def good: Long = count("rows") - count("bad")
}

object Source {
  import TextFiles.{Corrupt, File, Reason}
  private val place = "_lake_place"
  private val emptyFile = "the file is empty (0 bytes)"
  private val unseen = "Spark does not see the file, since its key is not a path. Copy it to a plain key"

  /** Read a table of the catalog, or some of its files (path -> size in bytes), without those known to be damaged.
    *
    * Of Parquet nothing is read yet but file names. So a file that is damaged makes the query fail that reads it, and
    * `damage` then finds all of them: to open thousands of files beforehand would cost as much as the job.
    *
    * Throws JobError where there is no file at all: its folder is gone, or was never filled; and where no file can be
    * read. A batch may be of one damaged file: it empties no table.
    */
  def apply(
      spark: SparkSession,
      files: Files,
      table: Table,
      only: Option[ListMap[String, Long]],
      known: Damage = Damage.None
  ): Source = {
    checkTypes(table)
    val listed = only.fold(versions(files, table))(_.map { case (path, size) => path -> (size, Unknown) })
    if (listed.isEmpty && only.isEmpty)
      throw new JobError(s"dataset ${table.dataset}: there is no file at ${table.location}. Nothing is published, and " +
        "what was there stays. Put files there, or run the dataset's crawler if they lie elsewhere")
    val sizes = listed.map { case (path, (size, _)) => path -> size }
    val found = read(spark, files, table, only, known, sizes)
    val filled = sizes.collect { case (path, size) if size > 0 => path }
    if (only.isEmpty && filled.nonEmpty && filled.forall(found.files.contains)) throw noneReadable(table, found.files)
    found.copy(changed = () => changed(listed, versions(files, table)))
  }

  private def noneReadable(table: Table, files: ListMap[String, String]): JobError = {
    val (path, reason) = files.head
    new JobError(s"dataset ${table.dataset}: none of its files can be read. $path: $reason. Nothing is published, and " +
      "what was there stays. Replace the files, or correct the table")
  }

  /** Throws JobError for a column of a type that Spark does not support. */
  private def checkTypes(table: Table): Unit =
    for ((name, type_) <- table.columns ++ table.keys if Try(Names.parsedType(type_)).isFailure)
      throw new JobError(s"dataset ${table.dataset}: column $name is of type '${type_}', which jobs do not support. " +
        "Change the column's type in the table")

  private val Unknown = -1L // the change time of a file of which only the size is known

  private def versions(files: Files, table: Table): ListMap[String, (Long, Long)] =
    ListMap(table.locations.flatMap(files.versions): _*)

  private def changed(before: ListMap[String, (Long, Long)], now: ListMap[String, (Long, Long)]): Option[String] =
    before.collectFirst {
      case (path, (size, moment))
          if !now.get(path).exists(found => found._1 == size && Seq(Unknown, found._2).contains(moment)) => path
    }

  private def read(
      spark: SparkSession,
      files: Files,
      table: Table,
      only: Option[ListMap[String, Long]],
      known: Damage,
      sizes: ListMap[String, Long]
  ): Source = {
    val filled = sizes.collect { case (path, size) if size > 0 => path }.toSeq
    val placed = partitions(spark, table, filled)
    val unread = sizes.collect { case (path, 0) => path -> emptyFile } ++ placed.astray ++ known.files
    val (schema, roots) = (schemaOf(table.columns), only.fold(table.locations)(_ => filled).map(Files.literal))
    if (filled.isEmpty) nothing(spark, table, unread)
    else if (table.isText) {
      val texts = TextFiles(spark, files, table, schema, roots, filled, unread.keys.toSeq)
      try source(table, texts.frame(), placed, filled, unread, () => Damage(texts.damaged(), ListMap.empty))
      catch {
        case error: SparkException =>
          val more = texts.damaged()
          if (more.keys.forall(unread.contains)) throw error
          Source(spark, files, table, only, Damage(unread ++ more, ListMap.empty))
      }
    } else {
      val found = BinaryFiles(spark, files, table.format, schema, roots, unread.keys.toSeq, known.ownSchemas)
      val converted = if (known.nonEmpty) Damage.None else found.converted(filled)
      if (converted.nonEmpty) Source(spark, files, table, only, converted)
      else source(table, found.frame(), placed, filled, unread, () => found.damage(sizes))
    }
  }

  private def source(
      table: Table,
      frame: DataFrame,
      placed: Placed,
      filled: Seq[String],
      unread: ListMap[String, String],
      damage: () => Damage
  ): Source = {
    val seen = frame.inputFiles.toSet
    val out = unread ++ filled.filterNot(path => seen(Files.uri(path))).map(_ -> unseen)
    made(table, withKeys(frame, table, placed), out, damage)
  }

  private def made(table: Table, frame: DataFrame, files: ListMap[String, String], damage: () => Damage): Source = {
    val counts = Observation()
    val rows = good(table, counted(table, frame, counts))
    val rejects = if (frame.columns.contains(Reason)) Some(rejected(table, frame)) else None
    new Source(table.dataset, rows, rejects, files, counts, damage, () => None)
  }

  /** The source of a table whose files are all empty or unreadable. */
  private def nothing(spark: SparkSession, table: Table, files: ListMap[String, String]): Source = {
    val more = if (table.isText) ListMap(Corrupt -> "string", Reason -> "string") else ListMap.empty[String, String]
    val schema = schemaOf(table.columns ++ table.keys ++ more + (File -> "string"))
    made(table, spark.createDataFrame(List.empty[Row].asJava, schema), files, () => Damage.None)
  }

  private def schemaOf(columns: Iterable[(String, String)]): StructType =
    StructType(columns.map { case (name, type_) => StructField(name, Names.parsedType(type_)) }.toSeq)

  /** The partition values of each file, if they fit the keys' types. */
  private def partitions(spark: SparkSession, table: Table, paths: Seq[String]): Placed =
    if (table.keys.isEmpty) Placed(ListMap.empty, ListMap.empty)
    else {
      val (found, keys) = (Partitions(paths, table), schemaOf(table.keys))
      val wrong = keys.map(key => Values.misfit(key.dataType, Names.quoted(key.name), CsvRows.NoNesting))
      if (wrong.forall(_ == "false")) found
      else {
        val texts = found.values.values.toSeq.distinct.map(Row.fromSeq(_))
        val unfit = spark.createDataFrame(texts.asJava, schemaOf(table.keys.keys.map(_ -> "string")))
          .where(wrong.mkString(" OR ")).collect().map(_.toSeq).toSet
        val (astray, placed) = found.values.partition { case (_, values) => unfit(values) }
        Placed(placed, found.astray ++ astray.map { case (path, values) => path -> misplaced(table, values) })
      }
    }

  private def misplaced(table: Table, values: Seq[String]): String = {
    val shown = table.keys.keys.zip(values).map { case (key, value) => s"$key=$value" }.mkString("/")
    val types = table.keys.map { case (key, type_) => s"$key $type_" }.mkString(", ")
    s"the folder $shown does not fit the types of the keys: $types"
  }

  /** Adds the partition keys of each row's file. Files that arrived after the listing are left to the next run. */
  private def withKeys(frame: DataFrame, table: Table, placed: Placed): DataFrame = if (table.keys.isEmpty) frame
  else {
    val rows = placed.values.toSeq.map { case (path, values) => Row.fromSeq(Files.uri(path) +: values) }
    val schema = schemaOf((place +: table.keys.keys.toSeq).map(_ -> "string"))
    val keys = schemaOf(table.keys).map { key =>
      expr(Values.scalar(key.dataType, Names.quoted(key.name), CsvRows.NoNesting)).as(key.name)
    }
    val named = broadcast(frame.sparkSession.createDataFrame(rows.asJava, schema).select(col(place) +: keys: _*))
    val all = TextFiles.withFile(frame)
    all.join(named, all(File) === named(place)).drop(place)
  }

  /** The frame; a query that reads it counts its rows, its bad rows, and its rows with any value.
    *
    * Naming every column keeps Spark from skipping columns that the job does not use: Spark detects a value that does
    * not fit its type only in a column that it reads, and each pass over the data must find the same rows.
    */
  private def counted(table: Table, frame: DataFrame, counts: Observation): DataFrame = {
    val bad = if (frame.columns.contains(Reason)) count(col(Reason)) else lit(0L)
    // coalesce stops at the first non-null value, at a fraction of the cost of one count per column.
    val filled = coalesce(table.columns.keys.toSeq.map(name => when(Names.column(name).isNotNull, true)): _*)
    frame.observe(counts, count(lit(1)).as("rows"), bad.as("bad"), count(filled).as("filled"))
  }

  private def good(table: Table, frame: DataFrame): DataFrame = {
    val rows = if (frame.columns.contains(Reason)) frame.where(col(Reason).isNull) else frame
    rows.select((table.columns ++ table.keys).keys.toSeq.map(Names.column): _*)
  }

  private def rejected(table: Table, frame: DataFrame): DataFrame = {
    val bad = counted(table, frame, Observation()).where(col(Reason).isNotNull)
    bad.select(col(File).as("source_file"), col(Corrupt).as("raw"), col(Reason).as("reason"))
  }
}

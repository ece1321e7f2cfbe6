/** The text files of a table: those that Spark lists at its locations, without the excluded ones.
  *
  * Its frame has the table's columns; Corrupt and Reason, both null for a line that fits; File.
  */
final case class TextFiles(
    spark: SparkSession,
    files: Files,
    table: Table,
    schema: StructType,
    places: Seq[String],
    paths: Seq[String],
    leftOut: Seq[String]
) {
  import TextFiles._

  def frame(): DataFrame = if (table.format == "csv") csv() else table.parameters.get("jsonPath").fold(json())(documents)

  /** Path -> reason for the compressed files that are damaged, or that Spark cannot unpack. */
  def damaged(): ListMap[String, String] = {
    val packed = paths.filter(path => byLibraries.exists(ending => path.endsWith(ending)) && !unpacks(path))
    ListMap(paths.par.flatMap(path => files.packedFault(path).map(path -> _)).seq ++ packed.map(_ -> unpacked): _*)
  }

  private def unpacks(path: String): Boolean = Try(spark.read.text(Files.literal(path)).head(1)).isSuccess

  private def csv(): DataFrame = {
    val dialect = Dialect(table)
    val rows = CsvRows(schema, dialect)
    val records = if (dialect.multiline) wholeFiles(CsvRows.records("value", dialect)) else lines(dialect)
    val found = records.withColumn(fields, expr(rows.fields("value")))
      .withColumn(Reason, expr(rows.reason("value", fields)))
    val values = rows.columns(fields).map { case (name, sql) => when(col(Reason).isNull, expr(sql)).as(name) }
    found.select(values ++ Seq(whereBad("value"), col(Reason), col(File)): _*)
  }

  /** Reads lines with Spark's CSV reader, which drops a line of blanks alone: such a line may have empty fields. */
  private def lines(dialect: Dialect): DataFrame = {
    val plain = read(CsvRows.lines(reader, dialect), "csv")
    if (dialect.separator > " ") plain
    else {
      val text = read(reader, "text")
      if (dialect.header) {
        val byFile = wholeFiles(CsvRows.wholeLines("value", dialect))
        apart(plain, text.where(col("value").rlike(CsvRows.Blank)), byFile.where(_))
      } else text.select(expr(CsvRows.decoded("value", dialect)).as("value"), col(File)).where("value <> ''")
    }
  }

  /** found: SQL of the records in the text of a file, `value`. */
  private def wholeFiles(found: String): DataFrame =
    read(reader.option("wholetext", "true"), "text").select(expr(s"explode($found)").as("value"), col(File))

  /** The rows of files, those with odd lines by `careful`, which takes the condition that a file is one.
    *
    * `plain` has to have listed the files before `odd`, so that it has none that `odd` did not look through.
    */
  private def apart(plain: DataFrame, odd: DataFrame, careful: Column => DataFrame): DataFrame = {
    val files = odd.select(File).distinct().collect().map(_.getString(0))
    val isOdd = col(File).isin(files: _*)
    if (files.isEmpty) plain else plain.where(!isOdd).unionByName(careful(isOdd))
  }

  private def documents(path: String): DataFrame = {
    val (record, rows) = (Documents.Record, rowsOf(Map.empty))
    val files = read(reader.option("wholetext", "true"), "text").withColumn("value", expr(rows.exact("value")))
    val nothing = when(col(record).isNull, lit(s"the document has nothing at $path"))
    val found = takenApart(Documents.records(files, path), rows, record)
      .withColumn(Reason, coalesce(col(Documents.Fault), nothing, col(Reason)))
      .withColumn(record, expr(rows.nesting.plain(s"coalesce($record, ${Documents.Document})")))
    found.select(again ++ Seq(whereBad(record), col(Reason), col(File)): _*)
  }

  private def json(): DataFrame = {
    val rows = rowsOf(JsonRows.spelled(headLines, table.parameters.getOrElse("paths", "")))
    val lines = read(reader, "text").where(rows.filled("value")).withColumnRenamed("value", Corrupt)
    if (rows.allAreOdd) readAgain(lines, rows).select(again ++ others: _*) else parsed(lines, rows)
  }

  /** Reads lines with Spark's own parser, and those that are not plain to it again. */
  private def parsed(lines: DataFrame, rows: JsonRows): DataFrame = {
    val written = rows.asWritten
    val options = JsonRows.Formats ++ Map("mode" -> "PERMISSIVE", "columnNameOfCorruptRecord" -> Corrupt)
    val all = lines.withColumn(struct, from_json(col(Corrupt), written.add(Corrupt, StringType), options))
    val plain = s"$struct.$Corrupt IS NULL AND ${rows.plain(Corrupt, struct)}"
    val frame = readAgain(all.withColumn(Corrupt, expr(s"IF($plain, NULL, $Corrupt)")), rows)
    val fits = col(Corrupt).isNull && col(row).isNull
    val values = schema.zip(written).zip(again).map { case ((field, there), other) =>
      val value = deduplicated(s"$struct.${Names.quoted(there.name)}", there.dataType)
      when(fits, value.cast(field.dataType)).otherwise(other).as(field.name)
    }
    frame.select(values ++ others: _*)
  }

  /** A parsed value. Of a key that is twice in a map, Spark's parser keeps both. */
  private def deduplicated(name: String, type_ : DataType): Column =
    if (type_.isInstanceOf[MapType]) expr(s"map_from_entries(map_entries($name))") else col(name)

  /** With row and Reason of what is in Corrupt: either is there for it. Corrupt stays of bad lines alone. */
  private def readAgain(frame: DataFrame, rows: JsonRows): DataFrame =
    takenApart(frame, rows, Corrupt).withColumn(Corrupt, whereBad(Corrupt))

  /** With row or Reason of each line that is there. A column for the fields, so that each line is parsed once. */
  private def takenApart(frame: DataFrame, rows: JsonRows, line: String): DataFrame =
    frame.withColumn(fields, expr(rows.fields(line)))
      .withColumn(Reason, expr(s"IF($line IS NULL, NULL, ${rows.reason(line, fields)})"))
      .withColumn(row, expr(s"IF($line IS NULL OR $Reason IS NOT NULL, NULL, ${rows.row(fields)})"))

  private def again: Seq[Column] = schema.map(field => col(s"$row.${Names.quoted(field.name)}").as(field.name))

  private def rowsOf(spelled: Map[String, String]) = JsonRows(schema, Keys(table.parameters), spelled)

  /** Lines from the start of some files; the last line may be cut off. */
  private def headLines: Seq[String] = {
    val some = paths.grouped(paths.size / heads + 1).map(_.head).toSeq
    some.par.flatMap(path => new String(files.head(path, head), UTF_8).split("\n")).seq
  }

  private def reader = spark.read.option("recursiveFileLookup", "true")

  private def read(reader: DataFrameReader, format: String): DataFrame =
    without(withFile(reader.format(format).load(places: _*)), leftOut)
}

object TextFiles {
  val Corrupt = "_lake_corrupt_record"
  val Reason = "_lake_reason"
  val File = "_lake_source_file"
  private val (row, fields, struct) = ("_lake_row", "_lake_fields", "_lake_parsed")
  private val byLibraries = Seq(".zst", ".snappy", ".lz4") // Spark unpacks them if its Hadoop comes with the libraries
  private val unpacked =
    "Spark cannot unpack it: it is damaged, or its codec is missing here. Pack the file with gzip or bzip2"
  private val (heads, head) = (32, 256 * 1024) // number of files to check for the spelling of names, and bytes of each
  private val others = Seq(Corrupt, Reason, File).map(col)

  private def whereBad(name: String): Column = when(col(Reason).isNotNull, col(name)).as(Corrupt)

  /** Adds each row's file, as a URI. */
  def withFile(frame: DataFrame): DataFrame =
    if (frame.columns.contains(File)) frame else frame.select(col("*"), col("_metadata.file_path").as(File))

  /** Excludes files. Spark applies a condition on the file name before it opens the file. */
  def without(frame: DataFrame, files: Seq[String]): DataFrame =
    if (files.isEmpty) frame else withFile(frame).where(!col(File).isin(files.map(Files.uri): _*))
}

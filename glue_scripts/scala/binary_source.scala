/** What a query found: files that cannot be read (path -> reason), and files to read with their own schema. */
final case class Damage(files: ListMap[String, String], ownSchemas: ListMap[String, StructType]) {
  def nonEmpty: Boolean = files.nonEmpty || ownSchemas.nonEmpty
}

object Damage {
  val None: Damage = Damage(ListMap.empty, ListMap.empty)
}

/** The Parquet or ORC files of a table: those that Spark lists at its locations, without the excluded ones. Read with
  * the table's schema or, if every value then converts exactly, with the file's own.
  */
final case class BinaryFiles(
    spark: SparkSession,
    format: String,
    schema: StructType,
    places: Seq[String],
    leftOut: Seq[String],
    ownSchemas: ListMap[String, StructType]
) {
  import BinaryFiles._

  /** The table's columns, and File if some files are read separately. */
  def frame(): DataFrame = {
    val reader = spark.read.option("recursiveFileLookup", "true").schema(schema).format(format)
    val first = TextFiles.without(reader.load(places: _*), leftOut ++ ownSchemas.keys)
    val apart = ownSchemas.toSeq.groupBy(_._2).map { case (own, files) => byOwnSchema(own, files.map(_._1)) }
    apart.foldLeft(first)(_ unionByName _)
  }

  private def byOwnSchema(own: StructType, paths: Seq[String]): DataFrame = setting(spark, nanosAsLong) {
    val found = TextFiles.withFile(spark.read.schema(own).format(format).load(paths.map(Files.literal): _*))
    found.select(schema.map(field => exactly(field, same(own, field)).as(field.name)) :+ col(TextFiles.File): _*)
  }

  /** Inspect the files that gave no row (path -> size in bytes). */
  def damage(sizes: ListMap[String, Long]): Damage = {
    // Spark reads no column for a plain count, so it would not notice one that cannot be read.
    val counts = schema.names.toSeq.map(name => count(Names.column(name)))
    val gaveRows = setting(spark, ignoreCorruptFiles) {
      val found = TextFiles.withFile(frame()).groupBy(TextFiles.File).agg(counts.head, counts.tail: _*)
      found.collect().map(_.getString(0)).toSet
    }
    val suspects = sizes.toSeq.collect { case (path, size) if size > 0 && !gaveRows(Files.uri(path)) => path }
    suspects.foldLeft(Damage.None)(judged)
  }

  private def judged(found: Damage, path: String): Damage = ownSchema(path) match {
    case Left(fault) => found.copy(files = found.files + (path -> fault))
    case Right(own) =>
      val differing = schema.flatMap(field => same(own, field).filter(_ != field).map(field -> _))
      differing.toStream.flatMap { case (field, there) => unfit(path, own, field, there) }.headOption match {
        case Some(fault) => found.copy(files = found.files + (path -> fault))
        case None if differing.isEmpty => found
        case None => found.copy(ownSchemas = found.ownSchemas + (path -> own))
      }
  }

  /** The file's schema, or why it cannot be read. */
  private def ownSchema(path: String): Either[String, StructType] = {
    val read = Try(setting(spark, nanosAsLong)(spark.read.format(format).load(Files.literal(path)).schema))
    val name = Map("parquet" -> "Parquet", "orc" -> "ORC")(format)
    val why = s"it cannot be read as $name: it is of another format, damaged, or closed to the job's role"
    read.toEither.left.map(_ => why).map { schema =>
      val nanos = nanosOf(path)
      StructType(schema.map(field => if (nanos(field.name)) field.copy(metadata = marked) else field))
    }
  }

  /** The columns in nanoseconds. Spark reads them as integers. */
  private def nanosOf(path: String): Set[String] = if (format != "parquet") Set.empty
  else {
    val file = HadoopInputFile.fromPath(new Path(path), spark.sparkContext.hadoopConfiguration)
    val reader = ParquetFileReader.open(file)
    try {
      val fields = reader.getFileMetaData.getSchema.getFields.asScala
      fields.filter(_.toString.contains("TIMESTAMP(NANOS")).map(_.getName).toSet
    } finally reader.close()
  }

  /** Why a column of a file cannot be read as the table's type. None if all its values convert exactly. */
  private def unfit(path: String, own: StructType, field: StructField, there: StructField): Option[String] = {
    val kind = if (isNanos(there)) "timestamp in nanoseconds" else there.dataType.catalogString
    val such = s"column ${field.name} is $kind in the file and ${field.dataType.catalogString} in the table"
    val wayOut = "Rewrite the file, or change the column's type"
    if (!comparable(there, field)) Some(s"$such. $wayOut")
    else setting(spark, nanosAsLong) {
      val (frame, old) = (spark.read.schema(own).format(format).load(Files.literal(path)), Names.column(there.name))
      val lost = frame.where(old.isNotNull && exactly(field, Some(there)).isNull).select(old).head(1).headOption
      lost.map(row => s"$such, which cannot hold ${row.get(0).toString.take(shown)}. $wayOut")
    }
  }
}

object BinaryFiles {
  private val ignoreCorruptFiles = "spark.sql.files.ignoreCorruptFiles"
  private val nanosAsLong = "spark.sql.legacy.parquet.nanosAsLong"
  private val shown = 40 // characters of a value in a message
  private val nanos = "lake.nanos" // metadata of a column whose integers are nanoseconds since 1970
  private val marked = new MetadataBuilder().putBoolean(nanos, true).build()

  private def isNanos(field: StructField) = field.metadata.contains(nanos)

  private def same(schema: StructType, field: StructField): Option[StructField] =
    schema.find(_.name.equalsIgnoreCase(field.name))

  private def comparable(there: StructField, here: StructField): Boolean = (there.dataType, here.dataType) match {
    case (_, TimestampType) if isNanos(there) => true
    case (NullType, _) => true
    case (_: NumericType, _: NumericType) => !isNanos(there)
    case _ => false
  }

  /** A column of a file as the table's type; null for a value that does not convert exactly. */
  private def exactly(field: StructField, own: Option[StructField]): Column = own match {
    case None => lit(null).cast(field.dataType)
    case Some(there) =>
      val (old, name) = (Names.column(there.name), Names.quoted(there.name))
      if (there.dataType == NullType) lit(null).cast(field.dataType)
      else if (there.dataType == field.dataType) old
      else if (isNanos(there)) when(old % 1000 === 0, expr(s"timestamp_micros($name div 1000)"))
      else {
        val value = s"try_cast($name AS ${field.dataType.catalogString})"
        expr(s"IF(try_cast($value AS ${there.dataType.catalogString}) = $name, $value, NULL)")
      }
  }

  /** Runs with a setting of the session set to true. */
  private def setting[T](spark: SparkSession, name: String)(run: => T): T = {
    spark.conf.set(name, "true")
    try run
    finally spark.conf.unset(name)
  }
}

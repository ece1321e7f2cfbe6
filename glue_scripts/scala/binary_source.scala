/** What was found of files: those that cannot be read (path -> reason), and those with other types than the table.
  *
  * ownSchemas: path -> the table's columns, with the file's types where these differ.
  */
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
    files: Files,
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
    val apart = ownSchemas.toSeq.groupBy(_._2).map { case (own, pairs) => byOwnSchema(own, pairs.map(_._1)) }
    apart.foldLeft(first)(_ unionByName _)
  }

  private def byOwnSchema(own: StructType, paths: Seq[String]): DataFrame = setting(spark, nanosAsLong) {
    val found = TextFiles.withFile(spark.read.schema(own).format(format).load(paths.map(Files.literal): _*))
    val columns = schema.zip(own).map { case (field, there) => exactly(field, there).as(field.name) }
    found.select(columns :+ col(TextFiles.File): _*)
  }

  /** Inspect the files of other types than the table, and those that gave no row (path -> size in bytes). */
  def damage(sizes: ListMap[String, Long]): Damage = {
    val paths = sizes.toSeq.collect { case (path, size) if size > 0 => path }
    judged((ofOtherTypes(paths) ++ suspects(paths)).distinct)
  }

  /** Inspect the files of other types than the table: Spark's readers convert some values without checks. */
  def converted(paths: Seq[String]): Damage = judged(ofOtherTypes(paths))

  private def ofOtherTypes(paths: Seq[String]): Seq[String] =
    if (format == "orc") if (areOfTypes) Nil else paths
    else ParquetTypes.ofEqualTypes(spark, paths).filter(files => isOfOtherTypes(files.head)).flatten

  private def isOfOtherTypes(path: String): Boolean =
    ownSchema(path).toOption.exists(differing(_, schema, asWell).nonEmpty)

  private val asWell = if (format == "parquet") likeInParquet else Set.empty[(String, String)]

  /** Whether the files have the types of the table: Spark reads the ends of all of them in parallel. */
  private def areOfTypes: Boolean = {
    val reader = spark.read.options(Map("recursiveFileLookup" -> "true", "mergeSchema" -> "true")).format(format)
    Try(setting(spark, ignoreCorruptFiles)(reader.load(places: _*).schema)).toOption.exists(isAlike(_, schema, asWell))
  }

  private def suspects(paths: Seq[String]): Seq[String] = {
    // Spark reads no column for a plain count, so it would not notice one that cannot be read.
    val counts = schema.names.toSeq.map(name => count(Names.column(name)))
    val gaveRows = Try(setting(spark, ignoreCorruptFiles) {
      val found = TextFiles.withFile(frame()).groupBy(TextFiles.File).agg(counts.head, counts.tail: _*)
      found.collect().map(_.getString(0)).toSet
    })
    // What fails after a file was opened is not ignored.
    gaveRows.toOption.fold(failing(paths))(seen => paths.filterNot(path => seen(Files.uri(path))))
  }

  /** The files whose values Spark cannot read with the table's schema. */
  private def failing(paths: Seq[String]): Seq[String] = {
    val (first, second) = paths.splitAt(paths.size / 2)
    if (reads(paths)) Nil else if (first.isEmpty) paths else failing(first) ++ failing(second)
  }

  private def reads(paths: Seq[String]): Boolean = {
    val frame = spark.read.schema(schema).format(format).load(paths.map(Files.literal): _*)
    Try(frame.write.format("noop").mode("overwrite").save()).isSuccess
  }

  private def judged(paths: Seq[String]): Damage = paths.foldLeft(Damage.None)(judged)

  private def judged(found: Damage, path: String): Damage = {
    def faulty(fault: String) = found.copy(files = found.files + (path -> fault))
    ownSchema(path) match {
      case Left(fault) => faulty(fault)
      case Right(own) =>
        val pairs = differing(own, schema, asWell)
        val readAs = StructType(schema.map(field => pairs.toMap.getOrElse(field, field)))
        if (pairs.isEmpty) if (reads(Seq(path))) found else faulty(unknown)
        else pairs.toStream.flatMap { case (field, there) => unfit(path, readAs, field, there) }.headOption match {
          case Some(fault) => faulty(fault)
          case None => found.copy(ownSchemas = found.ownSchemas + (path -> readAs))
        }
    }
  }

  /** The file's schema, or why it cannot be read. */
  private def ownSchema(path: String): Either[String, StructType] = {
    val read = Try(setting(spark, nanosAsLong) {
      if (format == "parquet") ParquetTypes.schema(spark, path, schema.names)
      else spark.read.format(format).load(Files.literal(path)).schema
    })
    if (read.isFailure) files.checkOpens(path)
    val name = Map("parquet" -> "Parquet", "orc" -> "ORC")(format)
    val own = read.toEither.left.map(_ => s"it cannot be read as $name: it is of another format, or damaged")
    own.flatMap { found =>
      val twice = found.names.filter(name => found.names.count(_.equalsIgnoreCase(name)) > 1).mkString(" and ")
      val why = s"its columns $twice differ in case alone. Rewrite the file with one of them, or with other names"
      if (format == "parquet" && twice.nonEmpty) Left(why) else Right(found)
    }
  }

  /** Why a column of a file cannot be read as the table's type. None if all its values convert exactly. */
  private def unfit(path: String, readAs: StructType, field: StructField, there: StructField): Option[String] = {
    val kind = if (isNanos(there)) "timestamp in nanoseconds" else there.dataType.catalogString
    val such = s"column ${field.name} is $kind in the file and ${field.dataType.catalogString} in the table"
    val wayOut = "Rewrite the file, or change the column's type"
    if (!comparable(there, field)) Some(s"$such. $wayOut")
    else setting(spark, nanosAsLong) {
      val (frame, old) = (spark.read.schema(readAs).format(format).load(Files.literal(path)), Names.column(there.name))
      val lost = frame.where(old.isNotNull && exactly(field, there).isNull).select(old).head(1).headOption
      lost.map(row => s"$such, which cannot hold ${row.get(0).toString.take(shown)}. $wayOut")
    }
  }
}

object BinaryFiles {
  private val ignoreCorruptFiles = "spark.sql.files.ignoreCorruptFiles"
  private val nanosAsLong = "spark.sql.legacy.parquet.nanosAsLong"
  private val shown = 40 // characters of a value in a message

  /** Types in a file that Spark's reader of Parquet takes for those of a table, exactly. */
  private val likeInParquet = Set("tinyint" -> "smallint", "tinyint" -> "int", "smallint" -> "int",
    "timestamp_ntz" -> "timestamp", "binary" -> "string", "string" -> "binary")

  private def isNanos(field: StructField) = field.metadata.contains(ParquetTypes.Nanos)

  private val unknown =
    "Spark cannot read its values: it is damaged, or of a codec or encoding that Spark does not know. Rewrite it"

  /** The fields of a schema that are of another type in a file, each with that of the file. */
  private def differing(
      own: StructType,
      schema: StructType,
      asWell: Set[(String, String)]
  ): Seq[(StructField, StructField)] = for {
    field <- schema
    there <- own.find(_.name.equalsIgnoreCase(field.name))
    if isNanos(there) || !isAlike(there.dataType, field.dataType, asWell)
  } yield field -> there

  /** Whether types are equal but for the order and case of a struct's fields, and fields that only one has. */
  private def isAlike(there: DataType, here: DataType, asWell: Set[(String, String)]): Boolean = (there, here) match {
    case (there: StructType, here: StructType) => differing(there, here, asWell).isEmpty
    case (ArrayType(there, _), ArrayType(here, _)) => isAlike(there, here, asWell)
    case (MapType(key, value, _), MapType(ourKey, ourValue, _)) =>
      isAlike(key, ourKey, asWell) && isAlike(value, ourValue, asWell)
    case _ => there == here || asWell(there.catalogString -> here.catalogString)
  }

  private def comparable(there: StructField, here: StructField): Boolean =
    if (isNanos(there)) here.dataType == TimestampType
    else there.dataType == NullType || areNumbers(there.dataType, here.dataType)

  private def areNumbers(there: DataType, here: DataType): Boolean = (there, here) match {
    case (ArrayType(there, _), ArrayType(here, _)) => areNumbers(there, here)
    case _ => there.isInstanceOf[NumericType] && here.isInstanceOf[NumericType]
  }

  /** A column of a file as the table's type; null for a value that does not convert exactly. */
  private def exactly(field: StructField, there: StructField): Column = {
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

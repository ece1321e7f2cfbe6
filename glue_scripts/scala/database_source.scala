/** Reads a table of a database as a dataset: its exact values, or an error that names column and value. */
object DatabaseSource {
  private val Fetched = 10000L // rows per round trip
  private val Refusal = "_lake_refused_"

  /** A table of a database as a dataset, read by one statement when the steps need it. It has no bad rows.
    *
    * The rows are kept on Spark's disks: a second statement would see another snapshot.
    *
    * A value that Spark cannot hold fails the query that reads its column. Throws JobError if there is no such table.
    */
  def apply(spark: SparkSession, database: Database, table: String, dataset: String): Source = {
    val columns = found(database, table, dataset)
    checkNames(columns.keys, dataset)
    val values = columns.toSeq.zipWithIndex.map { case ((name, type_), place) => value(dataset, place, name, type_) }
    val frame = rows(spark, database, query(table, columns)).persist(StorageLevel.DISK_ONLY).select(values: _*)
    val counts = Observation()
    val counting = frame.observe(counts, count(lit(1)).as("rows"), lit(0L).as("bad"))
    new Source(dataset, counting, None, ListMap.empty, counts, () => Damage.None, () => None)
  }

  private def found(database: Database, table: String, dataset: String): ListMap[String, DatabaseType] = {
    val session = new Session(database)
    try {
      session.check(table, s"dataset $dataset")
      DatabaseType.of(session, table)
    } finally session.close()
  }

  private def checkNames(names: Iterable[String], dataset: String): Unit = {
    val lower = mutable.Map.empty[String, String]
    for (name <- names) {
      val other = lower.getOrElseUpdate(name.toLowerCase, name)
      if (other != name) throw new JobError(
        s"dataset $dataset: a job cannot tell the columns $other and $name apart. " +
          "Make a view that renames one of them, and read the view"
      )
    }
  }

  private def query(table: String, columns: ListMap[String, DatabaseType]): String = {
    val values = columns.toSeq.zipWithIndex.flatMap { case ((name, type_), place) => selected(place, name, type_) }
    s"(SELECT ${values.mkString(", ")} FROM ${Quoted.table(table)}) AS given"
  }

  private def selected(place: Int, name: String, type_ : DatabaseType): Seq[String] = {
    val value = Quoted.column(name)
    reading(type_).fold(Seq(value)) { found =>
      val why = if (found.fits.isEmpty) None else Some(s"${found.refused(value)} AS $Refusal$place")
      s"${found.selected(value)} AS $value" +: why.toSeq
    }
  }

  private def value(dataset: String, place: Int, name: String, type_ : DatabaseType): Column = {
    val value = Names.column(name)
    reading(type_).filter(_.fits.nonEmpty).fold(value) { found =>
      val message = concat(
        lit(s"dataset $dataset: column $name (${type_.full}): the value "),
        col(s"$Refusal$place"),
        lit(
          s" is not within ${found.limit}. " +
            s"Make a view that casts it, such as CAST($name AS text), and read the view"
        )
      )
      when(col(s"$Refusal$place").isNull, value).otherwise(Errors.failure(message)).as(name)
    }
  }

  private def reading(type_ : DatabaseType): Option[Reading] =
    Reading.find(if (type_.plain == "text") "text" else type_.full)

  private def rows(spark: SparkSession, database: Database, query: String): DataFrame =
    try spark.read.format("jdbc").options(database.options(query)).option("fetchsize", Fetched).load()
    catch { case error: Throwable if Database.ofTheDriver(error).nonEmpty => throw database.refusal(error) }
}

/** A source table as in the catalog. location ends with a slash; columns maps names to Spark types.
  *
  * quotes: whether the SerDe of a CSV table handles quotes. partitions maps the values of the registered partitions to
  * their locations.
  */
final case class Table(
    dataset: String,
    location: String,
    format: String,
    columns: ListMap[String, String],
    keys: ListMap[String, String],
    parameters: Map[String, String],
    quotes: Boolean,
    partitions: ListMap[Seq[String], String]
) {
  val isText: Boolean = Format(format).isText

  /** The partitions outside the table's own folder. */
  def elsewhere: ListMap[Seq[String], String] = partitions.filterNot { case (_, place) => place.startsWith(location) }

  /** The folders that hold all of the table's files. */
  def locations: Seq[String] = (location +: elsewhere.values.toSeq).distinct
}

/** The Glue Data Catalog: describes source tables, and registers the table that a job writes. */
final class Catalog(glue: Aws) {

  /** The table of a dataset. Throws JobError if it is missing or has a format that jobs do not read. */
  def find(database: String, name: String, dataset: String): Table = {
    val table = get(database, name).getOrElse(
      throw new JobError(s"dataset $dataset: database $database has no table '$name'. Run the dataset's crawler first")
    )
    val storage = table.nested("StorageDescriptor")
    val serde = storage.nested("SerdeInfo")
    val (library, parameters) = (serde.text("SerializationLibrary"), table.named("Parameters"))
    val keys = types(table.list("PartitionKeys"))
    val projected = parameters.get("projection.enabled").exists(_.equalsIgnoreCase("true"))
    Table(
      dataset,
      storage.text("Location").stripSuffix("/") + "/",
      format(dataset, s"${parameters.getOrElse("classification", "")} $library"),
      types(storage.list("Columns")),
      keys,
      parameters ++ serde.named("Parameters"),
      library.toLowerCase.contains("opencsv"),
      if (keys.isEmpty || projected) ListMap.empty else registered(database, name)
    )
  }

  /** The locations of a table's files by partition values, Nil if it has no keys. Empty if there is no table. */
  def registered(database: String, name: String): ListMap[Seq[String], String] = {
    def location(described: Options) = described.nested("StorageDescriptor").text("Location").stripSuffix("/") + "/"
    get(database, name).fold(ListMap.empty[Seq[String], String]) { table =>
      if (table.list("PartitionKeys").isEmpty) ListMap(Nil -> location(table))
      else ListMap(partitions(database, name, None).map(found => found.texts("Values") -> location(found)): _*)
    }
  }

  def locations(database: String, name: String): Seq[String] = registered(database, name).values.toSeq

  def parameter(database: String, name: String, parameter: String): Option[String] =
    get(database, name).flatMap(_.named("Parameters").get(parameter))

  @annotation.tailrec
  private def partitions(
      database: String,
      name: String,
      page: Option[String],
      found: Seq[Options] = Nil
  ): Seq[Options] = {
    val table = named(database, name) + ("ExcludeColumnSchema" -> true)
    val answer = glue("GetPartitions", table ++ page.map("NextToken" -> _))
    val all = found ++ answer.list("Partitions").map(Options(_))
    answer.get("NextToken").map(_.toString) match {
      case None | Some("") => all
      case next => partitions(database, name, next, all)
    }
  }

  /** Whether a run has ended. Glue forgets runs after some months. */
  def hasEnded(job: String, runId: String): Boolean =
    try {
      val run = glue("GetJobRun", ListMap("JobName" -> job, "RunId" -> runId)).nested("JobRun")
      !Versions.Underway.contains(run.text("JobRunState"))
    } catch { case error: AwsError if error.code == "EntityNotFoundException" => true }

  /** Throw JobError if the table exists with other partition keys, or has partitions in another format.
    *
    * Otherwise its old files would mix with the new ones.
    */
  def check(database: String, sink: Sink, keys: Seq[String]): Unit = for (table <- get(database, sink.table)) {
    def shown(names: Seq[String]) = names.mkString("['", "', '", "']").replace("['']", "[]")
    val there = table.list("PartitionKeys").map(_("Name").toString)
    val written = table.nested("Parameters").text("classification", sink.format.name)
    val wayOut = "Give the sink another table name, or delete the table and its files first"
    if (there != keys.map(_.toLowerCase))
      throw new JobError(
        s"sink partition_by: table $database.${sink.table} is partitioned by ${shown(there)}, " +
          s"not by ${shown(keys)}. $wayOut"
      )
    if (there.nonEmpty && written != sink.format.name)
      throw new JobError(
        s"sink format: the partitions of table $database.${sink.table} are $written, not ${sink.format.name}. $wayOut"
      )
  }

  /** Create or update the table that was written, and register its partitions. */
  def publish(database: String, sink: Sink, location: String, written: Written): Unit =
    publish(database, sink.table, location, sink.format, written.columns, written.keys, written.partitions)

  def publish(
      database: String,
      name: String,
      location: String,
      format: Format,
      columns: ListMap[String, String],
      keys: ListMap[String, String],
      partitions: ListMap[Seq[String], String],
      parameters: Map[String, String] = Map.empty
  ): Unit = {
    val storage = storageOf(format, columns)
    val table = ListMap(
      "Name" -> name,
      "TableType" -> "EXTERNAL_TABLE",
      "Parameters" -> (Map("classification" -> format.name, "EXTERNAL" -> "TRUE") ++ parameters),
      "PartitionKeys" -> listed(keys),
      "StorageDescriptor" -> (storage + ("Location" -> location))
    )
    val request = ListMap("DatabaseName" -> database, "TableInput" -> table)
    try glue("CreateTable", request)
    catch { case error: AwsError if error.code == "AlreadyExistsException" =>
      if (!get(database, name).exists(there => Catalog.holds(there.given, table)))
        glue("UpdateTable", request + ("SkipArchive" -> true))
    }
    val inputs = partitions.toSeq.map { case (values, location) =>
      ListMap("Values" -> values, "StorageDescriptor" -> (storage + ("Location" -> location)))
    }
    for (batch <- inputs.grouped(Catalog.Batch)) register(database, name, batch)
  }

  /** Register what a batch wrote, with the batch number as the last value of each partition.
    *
    * Batch 0 replaces the table; later batches add to it. Partitions that an earlier attempt of the batch registered
    * and this one did not write are removed.
    */
  def publishBatch(database: String, sink: Sink, checkpoint: String, number: Long, written: Written): Unit = {
    val before = registered(database, sink.table)
    val whole = if (sink.keys.isEmpty && written.rows > 0) Seq(Nil -> written.location) else Nil
    val found = (written.partitions.toSeq ++ whole).map { case (values, location) =>
      (values :+ number.toString) -> location
    }
    val (partitions, keys) = (ListMap(found: _*), written.keys + (Batches.Key -> "bigint"))
    val parameters = Map(Batches.Checkpoint -> checkpoint)
    publish(database, sink.table, sink.root, sink.format, written.columns, keys, partitions, parameters)
    for (values <- before.keys if !partitions.contains(values) && (number == 0 || values.last == number.toString))
      try glue("DeletePartition", named(database, sink.table) + ("PartitionValues" -> values))
      catch { case error: AwsError if error.code == "EntityNotFoundException" => () }
  }

  /** Throw JobError if a batch has other columns than the ones before, which it joins. Batch 0 replaces them.
    *
    * Columns differ in type or, where Athena finds them by their position, in place.
    */
  def checkBatch(database: String, sink: Sink, number: Long, written: Written): Unit = if (number > 0) {
    val (there, columns) = (columnsOf(database, sink.table), written.columns)
    val retyped = (there.keySet ++ columns.keySet).filter(name => there.get(name) != columns.get(name)).toSeq
    val moved = there.keys.zip(columns.keys).collect { case (name, other) if name != other => name }.toSeq
    val differing = if (retyped.isEmpty && sink.format.byPosition) moved else retyped
    Batches.checkSame(s"$database.${sink.table}", differing, Batches.Anew)
  }

  /** Name -> type of a table's columns, without its partition keys. */
  def columnsOf(database: String, name: String): ListMap[String, String] = {
    val storage = get(database, name).map(_.nested("StorageDescriptor")).getOrElse(Options(ListMap.empty))
    ListMap(storage.list("Columns").map(column => column("Name").toString -> column("Type").toString): _*)
  }

  private def named(database: String, table: String): Json.Fields =
    ListMap("DatabaseName" -> database, "TableName" -> table)

  /** Register partitions. Partitions that are already registered get the new storage. */
  private def register(database: String, name: String, inputs: Seq[Json.Fields]): Unit = {
    val table = named(database, name)
    val errors = glue("BatchCreatePartition", table + ("PartitionInputList" -> inputs)).list("Errors").map(Options(_))
    val (there, failed) = errors.partition(_.nested("ErrorDetail").text("ErrorCode") == "AlreadyExistsException")
    fail(name, failed.map(error => error.texts("PartitionValues") -> error))
    val entries = for (input <- inputs if there.exists(_.texts("PartitionValues") == input("Values")))
      yield ListMap("PartitionValueList" -> input("Values"), "PartitionInput" -> input)
    if (entries.nonEmpty) {
      val again = glue("BatchUpdatePartition", table + ("Entries" -> entries)).list("Errors").map(Options(_))
      fail(name, again.map(error => error.texts("PartitionValueList") -> error))
    }
  }

  private def fail(name: String, errors: Seq[(Seq[String], Options)]): Unit = for ((values, error) <- errors)
    throw new JobError(s"partition $values of $name: ${error.nested("ErrorDetail").text("ErrorMessage")}")

  private def get(database: String, name: String): Option[Options] =
    try Some(glue("GetTable", ListMap("DatabaseName" -> database, "Name" -> name)).nested("Table"))
    catch { case error: AwsError if error.code == "EntityNotFoundException" => None }

  private def format(dataset: String, declared: String): String =
    Format.Read.find(_.recognisedBy.exists(declared.toLowerCase.contains(_))).map(_.name)
      .getOrElse(throw new JobError(
        s"dataset $dataset: its table is of format '${declared.trim}'. Jobs read ${Format.Read.map(_.name).mkString(", ")}"
      ))

  // Spark rejects Hive's char and varchar in the schema of a read.
  private def types(columns: Seq[Json.Fields]): ListMap[String, String] = ListMap(columns.map { column =>
    column("Name").toString -> column("Type").toString.replaceAll("\\b(var)?char\\(\\d+\\)", "string")
  }: _*)

  /** The storage descriptor of files of this format with these columns, without a location. */
  private def storageOf(format: Format, columns: ListMap[String, String]): Json.Fields = {
    val parameters = format.name match {
      case "csv" => CsvLines.Serde
      case "json" => Map("paths" -> columns.keys.mkString(","))
      case _ => Map("serialization.format" -> "1")
    }
    ListMap(
      "Columns" -> listed(columns),
      "InputFormat" -> format.input,
      "OutputFormat" -> format.output,
      "SerdeInfo" -> Map("SerializationLibrary" -> format.serde, "Parameters" -> parameters),
      "Parameters" -> Map("classification" -> format.name)
    )
  }

  private def listed(columns: ListMap[String, String]): Seq[Map[String, String]] =
    columns.toSeq.map { case (name, type_) => Map("Name" -> name, "Type" -> type_) }
}

object Catalog {
  private val Batch = 100 // partitions in one call: Glue's limit

  /** Whether the existing definition has everything wanted; Glue adds fields of its own. */
  private def holds(there: Any, wanted: Any): Boolean = (there, wanted) match {
    case (found: collection.Map[String @unchecked, _], all: collection.Map[String @unchecked, _]) =>
      all.forall { case (key, value) => found.get(key).exists(holds(_, value)) }
    case (found: Seq[_], all: Seq[_]) => found.size == all.size && found.zip(all).forall { case (a, b) => holds(a, b) }
    case _ => there == wanted
  }
}

/** Where and how a job writes into a database: `table` is schema.table; batchSize is the number of rows per trip. */
final case class DatabaseSink(options: Options) {
  options.check(Seq("connection", "table"), Seq("mode", "keys", "batch_size"))
  val (connection, table, mode) = (options.text("connection"), options.text("table"), options.text("mode", "insert"))
  val keys: List[String] = options.texts("keys")
  val batchSize: Int = options.number("batch_size").getOrElse(1000)
  if (!DatabaseSink.Modes.contains(mode)) throw Errors.unknown("sink mode", mode, DatabaseSink.Modes)
  if (!table.matches("(?U)\\w+\\.\\w+"))
    throw new JobError(s"sink table '$table' is not schema.table, such as public.$table")
  if ((mode == "upsert") != keys.nonEmpty)
    throw new JobError(s"sink keys: an upsert needs them, and nothing else takes them. Its mode is $mode")
}

object DatabaseSink {
  private val Modes = Seq("insert", "truncate", "upsert")

  def isOne(spec: Options): Boolean = spec.fields("sink").contains("connection")
}

/** One run's load into a table. `write` fills a staging table, `publish` moves its rows in one transaction.
  *
  * A lock keeps a second load of the same table out until this one is closed. The schema gets a table _lake_runs with
  * what each run has loaded, written in the same transaction. So a run that Glue retries does not insert twice, and
  * after a lost connection the table shows whether the commit succeeded.
  *
  * Throws JobError if the database is missing, another run loads the table, or the rows do not fit it.
  */
final class Load(database: Database, sink: DatabaseSink, job: String, runId: String) {
  private val Array(schema, table) = sink.table.split("\\.")
  private val prefix = s"_lake_${table.take(24)}_${Digest.sha256(table).take(8)}_"
  private val staging = s"$schema.$prefix${Digest.sha256(runId).take(12)}"
  private val runs = s"$schema.${Load.Runs}"
  // Attempts of one run are one insert; loads of other modes may repeat.
  private val notedAs = if (sink.mode == "insert") runId.split("_attempt_").head else runId
  private val session = new Session(database)
  private val target = new DatabaseTarget(session, sink.table)
  val name = s"${sink.connection} ${sink.table}"

  /** Take the lock, and remove what killed runs have left. */
  def check(): Unit = {
    session.rows(Load.Keepalive)
    session.execute("SET TIME ZONE 'UTC'")
    if (session.rows("SELECT to_regnamespace(?)", Quoted.column(schema)) == List(List(null)))
      throw failed(s"the database has no schema $schema. Create it first")
    val lock = "SELECT pg_try_advisory_lock(hashtextextended(?, 0))"
    if (session.rows(lock, s"lake ${sink.table}") != List(List("t")))
      throw failed("another run is writing into it. Wait until it has ended")
    val beside = "SELECT tablename FROM pg_tables WHERE schemaname = ? AND starts_with(tablename, ?)"
    for (leftover <- session.rows(beside, schema, prefix).flatten) drop(s"$schema.$leftover")
  }

  /** Write all rows into a staging table, and count them there. */
  def write(frame: DataFrame): Written = {
    Errors.checkColumns(frame, sink.keys, "the data that goes to the sink")
    val (types, there) = (checked(DatabaseColumns.staged(frame)), DatabaseType.of(session, sink.table))
    if (there.nonEmpty) checked(checkTable(types, there))
    val columns = types.map { case (name, type_) => s"${Quoted.column(name)} $type_" }
    drop(staging)
    // Unlogged: it is written once and read once; after a crash of the server it is empty.
    session.execute(s"CREATE UNLOGGED TABLE ${Quoted.table(staging)} (${columns.mkString(", ")})")
    save(frame)
    val rows = session.rows(s"SELECT count(*) FROM ${Quoted.table(staging)}").head.head.toLong
    checked(DatabaseColumns.checkKeys(session, staging, DatabaseColumns.matched(sink.keys, types.keys)))
    if (there.nonEmpty) checked(DatabaseColumns.checkValues(session, staging, types, there))
    Written("", rows, 0, 0, types, ListMap.empty, ListMap.empty)
  }

  /** Move the staged rows into the table: a reader sees all of them or none. */
  def publish(written: Written): Unit =
    try session.transaction(if (isNew(written)) checked(move(written)))
    catch {
      case error: Refused if error.is("lost") => settle(error)
      case error: Refused => throw failed(error.getMessage)
    }

  /** Drop the staging table, and close the connection, which releases the lock. */
  def close(): Unit =
    try {
      drop(staging)
      session.close()
    } catch { case error: Refused if error.is("lost") => () } // closed by the server; the next run drops the table

  private def save(frame: DataFrame): Unit = {
    val writing = Map(
      "batchsize" -> sink.batchSize.toString,
      "numPartitions" -> Load.Writers,
      "reWriteBatchedInserts" -> "true"
    )
    val options = database.options(Quoted.table(staging)) ++ writing
    try DatabaseColumns.withoutLostDays(frame, sink.table).write.format("jdbc").options(options).mode("append").save()
    catch {
      case error: Throwable if Database.ofTheDriver(error).nonEmpty && !Database.ofReading(error) =>
        val refused = database.refusal(error)
        val zero = Some(refused).collect { case error: Refused => error.is("no_such_character") }.contains(true)
        val title = Connector.PostgreSql.title
        val wayOut = if (zero) s". $title cannot store text with the character 0: remove it in a map step" else ""
        throw failed(s"${refused.getMessage}$wayOut")
    }
  }

  private def checkTable(types: ListMap[String, String], there: ListMap[String, DatabaseType]): Unit = {
    DatabaseColumns.checkFit(session, types, there)
    DatabaseColumns.checkUnique(session, sink.table, DatabaseColumns.matched(sink.keys, there.keys))
    if (sink.mode == "truncate") target.checkTruncate()
  }

  private def move(written: Written): Unit = {
    val types = written.columns
    if (!session.has(sink.table)) create(types)
    if (sink.mode == "truncate") target.empty()
    val there = DatabaseType.of(session, sink.table)
    val names = DatabaseColumns.matched(types.keys, there.keys)
    val values = types.toSeq.zip(names).map { case ((name, type_), known) =>
      s"${DatabaseColumns.value(name, type_, there(known))} AS ${Quoted.column(known)}"
    }
    val given = s"SELECT ${values.mkString(", ")} FROM ${Quoted.table(staging)}"
    val into = ListMap(names.map(name => name -> there(name).full): _*)
    target.insert(into, given, DatabaseColumns.matched(sink.keys, there.keys), written.rows)
  }

  private def create(types: ListMap[String, String]): Unit = {
    val columns = types.toSeq.map { case (name, type_) => s"${Quoted.column(name.toLowerCase)} $type_" }
    val keys = if (sink.keys.isEmpty) None else Some(s"PRIMARY KEY (${Quoted.columns(sink.keys.map(_.toLowerCase))})")
    session.execute(s"CREATE TABLE ${Quoted.table(sink.table)} (${(columns ++ keys).mkString(", ")})")
  }

  /** Record this load. False if this run has already done it. */
  private def isNew(written: Written): Boolean = {
    session.execute(
      s"CREATE TABLE IF NOT EXISTS ${Quoted.table(runs)} " +
        "(table_name text, run_id text, job text, mode text, rows bigint, " +
        "loaded_at timestamp with time zone DEFAULT now(), PRIMARY KEY (table_name, run_id))"
    )
    val note = s"INSERT INTO ${Quoted.table(runs)} VALUES (?, ?, ?, ?, ?::bigint) ON CONFLICT DO NOTHING"
    session.execute(note, table, notedAs, job, sink.mode, written.rows.toString) > 0
  }

  /** After a lost connection, perhaps after the commit: check over a new connection whether the rows arrived. */
  private def settle(error: Refused): Unit = {
    val again = try new Session(database)
    catch {
      case _: JobError =>
        val wayOut = s"Its rows are all there or not at all: look for the run $notedAs in ${Quoted.table(runs)}"
        throw failed(s"${error.getMessage}. $wayOut")
    }
    val noted = s"SELECT 1 FROM ${Quoted.table(runs)} WHERE table_name = ? AND run_id = ?"
    val done = try again.has(runs) && again.rows(noted, table, notedAs).nonEmpty
    finally again.close()
    if (!done) throw failed(error.getMessage)
  }

  private def drop(table: String): Unit = session.execute(s"DROP TABLE IF EXISTS ${Quoted.table(table)}")

  private def checked[T](check: => T): T = try check
  catch {
    case error: Refused => throw error
    case error: JobError => throw failed(error.getMessage)
  }

  private def failed(message: String) = new JobError(s"sink ${sink.table}: $message")
}

object Load {
  private val Runs = "_lake_runs"
  private val Writers = "8" // concurrent connections
  // The server then notices within minutes that the machine of a run is gone, and releases the run's lock.
  private val Keepalive =
    "SELECT set_config('tcp_keepalives_idle', '60', false), set_config('tcp_keepalives_interval', '15', false)"
}

/** The database refused a statement. state is its SQLSTATE. */
final class Refused(message: String, val state: String) extends JobError(message) {
  def is(kind: String): Boolean = Connector.PostgreSql.isState(kind, state)
}

/** The address in a Glue connection, and the login that Secrets Manager holds for it. */
final class Database(
    val connection: String,
    url: String,
    secret: String,
    user: String,
    password: String,
    ssl: Boolean,
) {

  private val postgres = Connector.PostgreSql

  /** The driver's properties, for Spark and for our own sessions. */
  private val properties = Map("user" -> user, "password" -> password, "tcpKeepAlive" -> "true") ++
    (if (ssl) Some("sslmode" -> "require") else None)

  /** Spark's options to read or write rows: a table or a subquery, as in FROM. */
  def options(rows: String): Map[String, String] =
    Map("url" -> url, "driver" -> postgres.driver, "dbtable" -> rows) ++ properties

  def open(): Connection = {
    val given = new java.util.Properties()
    properties.foreach { case (name, value) => given.setProperty(name, value) }
    val opened = try driver().connect(url, given) catch { case error: SQLException => throw refusal(error) }
    Option(opened).getOrElse(throw new JobError(s"connection $connection: $url is not a ${postgres.title} URL"))
  }

  // By name: Glue has the driver; the pyspark wheel, which compiles this in tests, does not.
  private def driver(): Driver =
    try Class.forName(postgres.driver, true, Thread.currentThread.getContextClassLoader)
      .getConstructor().newInstance().asInstanceOf[Driver]
    catch {
      case _: ClassNotFoundException =>
        throw new JobError(
          s"connection $connection: this Spark has no ${postgres.title} driver (${postgres.driver}). " +
            s"Glue has it built in. For the embedded AWS, install Debian's ${postgres.debian} or name the jar in " +
            "LAKE_JDBC_JARS, and start it again"
        )
    }

  /** The driver's message in one line, with a way out if there is a usual one. Refused if it has a SQLSTATE. */
  def refusal(error: Throwable): JobError =
    Database.ofTheDriver(error).fold(new JobError(s"connection $connection: $error"))(refused)

  private def refused(cause: SQLException): JobError = {
    val (at, message) = (s"the database at ${url.split("//", 2).last}", Database.message(cause))
    val state = Option(cause.getSQLState).getOrElse("")
    val plain = new Refused(s"connection $connection: $message", state)
    if (plain.is("wrong_login"))
      new Refused(
        s"connection $connection: $at refuses the login of the secret $secret: $message. Put another with `lake secret`",
        state
      )
    else if (plain.is("lost")) new Refused(s"connection $connection: $at cannot be reached, or went away: $message", state)
    else plain
  }
}

object Database {
  /** The database of a Glue connection. Throws JobError if the connection, secret or login is missing. */
  def find(glue: Aws, secrets: Aws, connection: String): Database = {
    val answer = try glue("GetConnection", ListMap("Name" -> connection)) catch {
      case error: AwsError if error.code == "EntityNotFoundException" =>
        throw new JobError(s"connection $connection does not exist. Deploy the catalog stack first")
    }
    val found = answer.nested("Connection").nested("ConnectionProperties")
    val secret = found.text("SECRET_ID")
    val (user, password) = login(secrets, connection, secret)
    val ssl = found.text("JDBC_ENFORCE_SSL") == "true"
    new Database(connection, found.text("JDBC_CONNECTION_URL"), secret, user, password, ssl)
  }

  private def login(secrets: Aws, connection: String, secret: String): (String, String) = {
    def wrong(what: String) =
      new JobError(s"connection $connection: the secret $secret $what. Put one with `lake secret`")
    val value = try secrets("GetSecretValue", ListMap("SecretId" -> secret)).text("SecretString")
    catch {
      case error: AwsError if error.code == "ResourceNotFoundException" => throw wrong("has no value yet")
      case error: AwsError => throw new JobError(s"connection $connection: ${error.getMessage}")
    }
    val login = for {
      fields <- Try(Options(Json.read(value))).toOption
      user <- fields.get("username")
      word <- fields.get("password")
    } yield (user.toString, word.toString)
    login.getOrElse(throw wrong("is not JSON with username and password"))
  }

  /** The innermost exception of the driver: the outer ones quote whole rows. None if the database did not fail. */
  def ofTheDriver(error: Throwable): Option[SQLException] = {
    val causes = Iterator.iterate(error)(_.getCause).takeWhile(_ != null)
    causes.collect { case cause: SQLException => cause }.toSeq.lastOption
  }

  /** Whether the database failed while rows came from it, and not while rows went there. */
  def ofReading(error: Throwable): Boolean =
    ofTheDriver(error).exists(_.getStackTrace.exists(frame => readers.exists(frame.getClassName.contains)))

  // Classes by which Spark reads rows of a database.
  private val readers = Seq("jdbc.JDBCRDD", "jdbc.JdbcUtils$$anon")

  /** The first line, without the severity; and the key that broke a constraint, but no whole row. */
  private def message(error: SQLException): String = {
    val lines = Option(error.getMessage).getOrElse(error.toString).linesIterator.map(_.trim).filter(_.nonEmpty).toSeq
    val detail = lines.tail.find(_.startsWith("Detail: Key")).map(_.stripPrefix("Detail: ").stripSuffix("."))
    val first = lines.head.stripPrefix("FATAL: ").stripPrefix("ERROR: ").stripSuffix(".")
    first + detail.fold("")(key => s" ($key)")
  }
}

object Quoted {

  /** A column quoted for SQL, whatever characters it has: dots are part of its name. */
  def column(name: String): String = "\"" + name.replace("\"", "\"\"") + "\""

  /** `schema.table` quoted for SQL. */
  def table(name: String): String = name.split("\\.").map(column).mkString(".")

  def columns(names: Seq[String]): String = names.map(column).mkString(", ")
}

/** One connection to a database. Each statement is its own transaction, unless it runs inside `transaction`.
  *
  * Throws JobError if the database cannot be reached or refuses the login; Refused if it refuses a statement.
  */
final class Session(val database: Database) {
  private val connection = database.open()

  def close(): Unit = translated(connection.close())

  /** Run a statement, with a text for each `?`. Returns the number of rows it changed. */
  def execute(statement: String, values: String*): Long = prepared(statement, values)(_.executeLargeUpdate())

  /** The rows of a query, each value as text. */
  def rows(statement: String, values: String*): List[List[String]] = prepared(statement, values) { prepared =>
    val found = prepared.executeQuery()
    val width = (1 to found.getMetaData.getColumnCount).toList
    Iterator.continually(found).takeWhile(_.next()).map(row => width.map(row.getString)).toList
  }

  /** Commit all statements of the block, or none of them. */
  def transaction(statements: => Unit): Unit = {
    connection.setAutoCommit(false)
    try {
      statements
      translated(connection.commit())
    } catch {
      case error: Throwable =>
        Try(connection.rollback()) // the server itself rolls back a lost connection
        throw error
    } finally Try(connection.setAutoCommit(true))
  }

  /** Throw JobError if the database does not have the table or does not show it to this user. */
  def check(table: String, what: String): Unit = if (!has(table)) {
    val Array(schema, name) = table.split("\\.")
    val there = rows("SELECT tablename FROM pg_tables WHERE schemaname = ? ORDER BY 1", schema).flatten
    val hint = if (there.isEmpty) s"schema $schema has no table" else Errors.unknown("table", name, there).getMessage
    throw new JobError(s"$what: connection ${database.connection} has no table $table: $hint")
  }

  def has(table: String): Boolean = rows("SELECT to_regclass(?)", Quoted.table(table)) != List(List(null))

  private def prepared[T](statement: String, values: Seq[String])(run: PreparedStatement => T): T = {
    val prepared = translated(connection.prepareStatement(statement))
    try translated {
      for ((value, place) <- values.zipWithIndex) prepared.setString(place + 1, value)
      run(prepared)
    } finally translated(prepared.close())
  }

  private def translated[T](call: => T): T = try call catch { case error: SQLException => throw database.refusal(error) }
}

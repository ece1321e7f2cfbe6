import java.io.EOFException
import java.net.URI
import java.net.http.{HttpClient, HttpRequest, HttpResponse}
import java.nio.charset.StandardCharsets.UTF_8
import java.nio.file.{Files => Disk, Path => DiskPath}
import java.security.MessageDigest
import java.sql.{Connection, Driver, PreparedStatement, SQLException}
import java.time.{Instant, OffsetDateTime, ZoneOffset}
import java.time.format.DateTimeFormatter
import java.util.{Locale, UUID}
import java.util.zip.{GZIPInputStream, ZipException}
import javax.crypto.Mac
import javax.crypto.spec.SecretKeySpec

import scala.collection.JavaConverters._
import scala.collection.immutable.ListMap
import scala.collection.mutable
import scala.concurrent.ExecutionContext.Implicits.global
import scala.concurrent.duration._
import scala.concurrent.{Await, Future, TimeoutException, blocking}
import scala.util.control.NoStackTrace
import scala.util.{Failure, Try}

import com.fasterxml.jackson.databind.{JsonNode, ObjectMapper}
import com.fasterxml.jackson.module.scala.DefaultScalaModule
import org.apache.commons.io.FileUtils
import org.apache.commons.text.similarity.LongestCommonSubsequence
import org.apache.hadoop.fs.Path
import org.apache.spark.scheduler.{SparkListener, SparkListenerStageCompleted, SparkListenerStageSubmitted}
import org.apache.spark.scheduler.SparkListenerTaskEnd
import org.apache.spark.{SparkException, Success}
import org.apache.spark.sql.catalyst.analysis.UnresolvedAttribute
import org.apache.spark.sql.catalyst.catalog.ExternalCatalogUtils
import org.apache.spark.sql.expressions.Window
import org.apache.spark.sql.functions._
import org.apache.spark.sql.streaming.{StreamingQueryException, Trigger}
import org.apache.spark.sql.types._
import org.apache.spark.sql.{AnalysisException, Column, DataFrame, DataFrameReader, Encoders, Observation}
import org.apache.spark.sql.{Row, SparkSession}

/** Entry script of the Scala jobs, which Glue compiles by itself: reads one dataset, applies the job's steps, writes
  * one table. It does what run_job.py does with lake_etl, object by object; tests hold the two together.
  */
object GlueApp {
  def main(sysArgs: Array[String]): Unit = {
    val report = try new JobRun(Arguments(sysArgs)).report()
    catch {
      case error: JobError => throw new JobError(error.getMessage)
      case error: Throwable =>
        error.printStackTrace()
        throw new JobError(Errors.reason(error))
    }
    println(s"LAKE_REPORT ${Json.write(report)}")
  }
}

/** The job cannot go on, and its message says why. */
class JobError(message: String, cause: Throwable = null) extends Exception(message, cause) with NoStackTrace

/** The job's arguments, `--name value`. Glue adds some of its own: those not known here are left alone. */
final case class Arguments(sysArgs: Array[String]) {
  private val given = sysArgs.sliding(2).collect {
    case Array(name, value) if name.startsWith("--") => name.drop(2) -> value
  }.toMap

  val runId: String = given.getOrElse("JOB_RUN_ID", UUID.randomUUID.toString)

  def get(name: String): Option[String] = given.get(name)

  def apply(name: String): String = given.getOrElse(name, throw new JobError(s"argument --$name is missing"))
}

object Errors {
  private val Failure = "The rows say: " // how a failure is found again among what Spark says of it

  /** A column that fails the job for each row in which it is read; `reason` gives the message back. */
  def failure(message: Column): Column = raise_error(concat(lit(Failure), message))

  /** Whether it comes from a column of `failure`. */
  def ofRows(error: Throwable): Boolean =
    Iterator.iterate(error)(_.getCause).takeWhile(_ != null).exists(_.toString.contains(Failure))

  /** Whether a query failed, by what it met and not by what it asks for. */
  def ofQuery(error: Throwable): Boolean =
    Seq(error, error.getCause).exists(_.isInstanceOf[SparkException]) && !ofRows(error)

  /** What an error comes down to, in one line: a failure's message, else that of the innermost cause. */
  def reason(error: Throwable): String = {
    val causes = Iterator.iterate(error)(_.getCause).takeWhile(_ != null).toSeq
    val said = causes.flatMap(cause => s"$Failure(.*)".r.findFirstMatchIn(cause.toString)).map(_.group(1))
    said.lastOption.getOrElse(Option(causes.last.getMessage).getOrElse(causes.last.toString).trim.split("\n").head)
  }

  /** The error for a name that is none of the allowed ones, with the nearest of them. */
  def unknown(kind: String, name: String, allowed: Iterable[String]): JobError =
    new JobError(s"$kind '$name' is not known. Allowed: ${allowed.mkString(", ")}.${hint(name, allowed)}")

  def missingColumn(name: String, columns: Iterable[String], where: String = "the data"): JobError =
    new JobError(s"column '$name' is not in $where. Columns there: ${columns.mkString(", ")}.${hint(name, columns)}")

  /** Throw for the first name that is no column of the frame. Case does not matter, as in Spark. */
  def checkColumns(frame: DataFrame, names: Iterable[String], where: String = "the data"): Unit =
    for (name <- names if !frame.columns.exists(_.equalsIgnoreCase(name)))
      throw missingColumn(name, frame.columns, where)

  private def hint(name: String, allowed: Iterable[String]): String = {
    def likeness(other: String) = 2.0 * new LongestCommonSubsequence()(name, other) / (name.length + other.length)
    val near = allowed.toSeq.filter(likeness(_) >= 0.6)
    if (near.isEmpty) "" else s" Did you mean '${near.maxBy(likeness)}'?"
  }
}

/** JSON as Scala's own values. An object is a ListMap: the order of its fields is the order of columns. */
object Json {
  type Fields = ListMap[String, Any]

  private val reader = new ObjectMapper()
  private val writer = new ObjectMapper().registerModule(DefaultScalaModule)

  def read(text: String): Fields = ordered(reader.readValue(text, classOf[Object])).asInstanceOf[Fields]

  /** Whether an object follows the line's first. A line that is no JSON is found when it is read. */
  def goesOn(line: String): Boolean = {
    val parser = reader.getFactory.createParser(line)
    val end = Try(parser.readValueAsTree[JsonNode]()).toOption.filter(_ != null).map(_ => parser.getCurrentLocation)
    end.exists(place => line.drop(place.getCharOffset.toInt).dropWhile(", \t".contains(_)).startsWith("{"))
  }

  def write(value: Any): String = writer.writeValueAsString(value)

  private def ordered(value: Any): Any = value match {
    case fields: java.util.Map[_, _] =>
      ListMap(fields.asScala.toSeq.map { case (name, field) => name.toString -> ordered(field) }: _*)
    case items: java.util.List[_] => items.asScala.map(ordered).toList
    case other => other
  }
}

/** What a step or a specification says, read field by field. A field that is null counts as not given. */
final case class Options(given: Json.Fields) {
  private val said = given.filter { case (_, value) => value != null }

  def check(required: Seq[String], optional: Seq[String] = Nil): this.type = {
    for (name <- given.keys if !(required ++ optional).contains(name))
      throw Errors.unknown("option", name, required ++ optional)
    for (name <- required if !given.contains(name))
      throw new JobError(s"option '$name' is missing. Given: ${given.keys.mkString(", ")}")
    this
  }

  def get(name: String): Option[Any] = said.get(name)

  def text(name: String): String = as[String](name, "a text").getOrElse("")

  def text(name: String, default: String): String = as[String](name, "a text").getOrElse(default)

  def texts(name: String): List[String] = as[List[String]](name, "a list").getOrElse(Nil)

  def values(name: String): List[Any] = as[List[Any]](name, "a list").getOrElse(Nil)

  def number(name: String): Option[Int] = as[Int](name, "a number")

  def flag(name: String): Boolean = as[Boolean](name, "true or false").getOrElse(false)

  def list(name: String): List[Json.Fields] = as[List[Json.Fields]](name, "a list of mappings").getOrElse(Nil)

  def named(name: String): ListMap[String, String] =
    as[ListMap[String, String]](name, "a mapping").getOrElse(ListMap.empty)

  def fields(name: String): Json.Fields = as[Json.Fields](name, "a mapping").getOrElse(ListMap.empty)

  def nested(name: String): Options = Options(fields(name))

  def each(name: String): ListMap[String, Options] =
    as[ListMap[String, Json.Fields]](name, "a mapping").getOrElse(ListMap.empty).map { case (key, value) =>
      key -> Options(value)
    }

  private def as[T: scala.reflect.ClassTag](name: String, kind: String): Option[T] = said.get(name).map {
    case value: T => value
    case other => throw new JobError(s"option '$name' has to be $kind, not ${Json.write(other)}")
  }
}

/** A job run: read the source, apply the steps, write and register the table, and prove where every row went. */
final class JobRun(arguments: Arguments) {
  private val started = OffsetDateTime.now(ZoneOffset.UTC)
  private val spark = session()
  private val files = new Files(spark)
  private val region = arguments.get("aws_region")
  private val catalog = new Catalog(Aws("glue", region))
  private val curated = arguments("curated_database")
  private val versions = new Versions(files, catalog, arguments("JOB_NAME"))

  def report(): Json.Fields = {
    spark.sparkContext.addSparkListener(new Progress)
    val spec = readSpec(arguments("spec"))
    if (DatabaseSink.isOne(spec)) loaded(spec) else inFiles(spec)
  }

  /** A run that writes into a table of a database. */
  private def loaded(spec: Options): Json.Fields = {
    val sink = DatabaseSink(spec.nested("sink"))
    val load = new Load(database(sink.connection), sink, spec.text("job"), arguments.runId)
    try {
      load.check()
      val (report, written) = write(spec, load.name, new Sources(spec), load.write)
      load.publish(written)
      try keepReport(report)
      catch {
        // Whoever starts the job again must know: an insert would add the rows once more.
        case error: Exception =>
          val what = s"the rows are in ${load.name}, and only the run's report is missing"
          throw new JobError(s"$what: ${Errors.reason(error)}")
      }
      report
    } finally load.close()
  }

  private def database(connection: String): Database =
    Database.find(Aws("glue", region), Aws("secretsmanager", region), connection)

  /** A run that writes files of the curated zone. */
  private def inFiles(spec: Options): Json.Fields = {
    val sink = sinkOf(spec)
    catalog.check(curated, sink, sink.keys ++ (if (spec.flag("incremental")) Some(Batches.Key) else None))
    if (spec.flag("incremental")) incremental(spec, sink) else whole(spec, sink)
  }

  /** A run over all of the source. */
  private def whole(spec: Options, sink: Sink): Json.Fields = {
    val folder = Versions.folder(sink.root, arguments.runId)
    val (report, written) = write(spec, nameOf(sink), new Sources(spec), sink.write(_, folder))
    val replaced = catalog.locations(curated, sink.table)
    catalog.publish(curated, sink, if (sink.keys.isEmpty) written.location else sink.root, written)
    keepReport(report)
    // Of what is no longer in the catalog, the version just replaced stays: queries may still be reading it.
    versions.removeUnused(sink.root, replaced ++ catalog.locations(curated, sink.table))
    report
  }

  /** A run over the files that no run has read before. */
  private def incremental(spec: Options, sink: Sink): Json.Fields = {
    val checkpoints = s"s3://${arguments("curated_bucket")}/_checkpoints/${spec.text("job")}/"
    val refresh = arguments.get("full_refresh").contains("true")
    val known = if (refresh) None else catalog.parameter(curated, sink.table, Batches.Checkpoint)
    val checkpoint = known.getOrElse(Versions.folder(checkpoints, arguments.runId))
    val (replaced, reports) = (catalog.locations(curated, sink.table), mutable.ArrayBuffer.empty[Json.Fields])
    val source = catalog.find(arguments("raw_database"), spec.named("tables")(spec.text("source")), spec.text("source"))
    Batches.each(spark, files, source, checkpoint) { (number, only) =>
      val folder = s"${Versions.folder(sink.root, arguments.runId)}${Batches.Key}=$number/"
      val save = (rows: DataFrame) => sink.write(rows, folder)
      val (report, written) = write(spec, nameOf(sink), new Sources(spec, Some(only)), save, part = s"-$number")
      catalog.publishBatch(curated, sink, checkpoint, number, written)
      reports += report
    }
    val report = told(spec, nameOf(sink)) ++ Batches.total(reports) ++ time()
    keepReport(report)
    versions.removeUnused(sink.root, replaced ++ catalog.locations(curated, sink.table))
    versions.removeUnused(checkpoints, Seq(checkpoint))
    report
  }

  private def nameOf(sink: Sink): String = s"$curated.${sink.table}"

  /** Save what the steps make of the source, and account for every row. table is its name in the report. */
  private def write(
      spec: Options,
      table: String,
      sources: Sources,
      save: DataFrame => Written,
      part: String = ""
  ): (Json.Fields, Written) = {
    val (steps, judged, written) = try saved(spec, sources, save)
    catch { case error: Exception if Errors.ofQuery(error) && sources.beginAgain() => saved(spec, sources, save) }
    val quarantine = new Quarantine(arguments("quarantine_bucket"), spec.text("job"), arguments.runId, started)
    val source = sources(spec.text("source"))
    val kept = ListMap(sources.read.toSeq.map { case (name, read) => name -> quarantine.keep(spark, read) }: _*)
    val rejected = Steps.keepRejects(quarantine, source, steps) + judged.keepRejects(quarantine, source.dataset)
    val verdicts = judged.verdicts
    val (job, bucket) = (spec.text("job"), arguments("curated_bucket"))
    if (verdicts.nonEmpty) Results.publish(files, catalog, curated, bucket, job, arguments.runId, verdicts, part)
    Expectations.check(verdicts)
    val report = told(spec, table) ++ ListMap[String, Any](
      "rows_in" -> source.count("rows"),
      "rows_out" -> written.rows,
      "quarantined_rows" -> (kept(source.dataset)("rows") + rejected),
      "quarantined_files" -> kept.values.map(_("files")).sum
    ) ++ Balance.account(source.good, steps) ++ ListMap(
      "quarantined" -> kept,
      "partitions" -> written.partitions.size,
      "files" -> written.files,
      "bytes" -> written.bytes
    ) ++ time() ++ CastNulls.told(CastNulls(steps), CastNulls.warnOver(spec)) ++
      (if (verdicts.isEmpty) None else Some("expectations" -> verdicts.map(_.record)))
    Balance.check(report)
    (report, written)
  }

  private def saved(spec: Options, sources: Sources, save: DataFrame => Written): (Seq[Applied], Judged, Written) = {
    val (frame, steps) = Steps(sources(spec.text("source")).rows, spec.list("steps"), sources.other)
    val judged = Expectations.judge(frame, spec.list("expect").map(Rule(_)), sources.other, started)
    (steps, judged, save(judged.rows))
  }

  private def told(spec: Options, table: String): Json.Fields = ListMap(
    "job" -> spec.text("job"),
    "run_id" -> arguments.runId,
    "source" -> spec.text("source"),
    "table" -> table
  )

  private def time(): Json.Fields = ListMap(
    "started_at" -> started.format(Quarantine.Moment),
    "seconds" -> java.time.Duration.between(started, OffsetDateTime.now).toMillis / 100 / 10.0
  )

  /** One line of JSON, so that a crawler makes a table of the reports; the job is its partition, not a column. */
  private def keepReport(report: Json.Fields): Unit = {
    val place = s"s3://${arguments("curated_bucket")}/job_reports/job=${report("job")}/${arguments.runId}.json"
    files.write(place, Json.write(report - "job") + "\n")
  }

  private def session(): SparkSession = {
    val spark = SparkSession.builder.appName(arguments("JOB_NAME")).getOrCreate()
    JobRun.Settings.foreach { case (setting, value) => spark.conf.set(setting, value) }
    arguments.get("lake_etl").foreach(spark.conf.set(FindMatches.Library, _))
    spark
  }

  private def readSpec(location: String): Options = {
    val text = Try(files.read(location)).recover { case error =>
      throw new JobError(s"--spec $location: ${error.getMessage}")
    }.get
    val spec = Options(Json.read(text))
      .check(Seq("job", "source", "tables", "steps", "sink"), Seq("databases", "expect", "incremental", "cast_nulls"))
    Steps.check(spec.list("steps"))
    spec.list("expect").foreach(Rule(_))
    if (DatabaseSink.isOne(spec)) DatabaseSink(spec.nested("sink")) else sinkOf(spec)
    spec
  }

  private def sinkOf(spec: Options): Sink =
    Sink(Convert.converted(spec.nested("sink"), spec.list("steps")), arguments("curated_bucket"))

  /** The datasets of the job by name, each read once: those of `databases` are tables there, the others files.
    *
    * In a batch, of its source only the batch's files are read.
    */
  private final class Sources(spec: Options, batch: Option[ListMap[String, Long]] = None) {
    private val (tables, databases, source) = (spec.named("tables"), spec.each("databases"), spec.text("source"))
    private var damaged = Map.empty[String, ListMap[String, String]]
    val read: mutable.LinkedHashMap[String, Source] = mutable.LinkedHashMap.empty

    def apply(dataset: String): Source =
      read.getOrElseUpdate(dataset, databases.get(dataset).fold(inFiles(dataset))(inDatabase(dataset, _)))

    private def inFiles(dataset: String): Source = {
      val name = tables.getOrElse(dataset, throw Errors.unknown("dataset", dataset, tables.keys ++ databases.keys))
      val only = batch.filter(_ => dataset == source)
      val without = damaged.getOrElse(dataset, ListMap.empty[String, String])
      Source(spark, files, catalog.find(arguments("raw_database"), name, dataset), only, without)
    }

    /** Forget what was read, and leave out the files that cannot be read. False where there are none. */
    def beginAgain(): Boolean = {
      damaged = read.map { case (dataset, source) => dataset -> source.damaged() }.filter(_._2.nonEmpty).toMap
      read.clear()
      damaged.nonEmpty
    }

    private def inDatabase(dataset: String, place: Options): Source =
      database(place.text("connection")).read(spark, place.text("table"), dataset)

    /** A dataset that a step names. */
    def other(dataset: String): DataFrame = {
      if (batch.nonEmpty && dataset == source)
        throw new JobError(s"dataset $dataset is the source of an incremental job: here, too, it has only new files")
      apply(dataset).rows
    }
  }
}

object JobRun {
  private val Settings = Map(
    "spark.sql.session.timeZone" -> "UTC",
    // Blocks of S3 objects have no place, and asking for it costs one call a file.
    "spark.sql.sources.ignoreDataLocality" -> "true",
    // Folders of folders of small files (year/month/day/hour) are listed side by side from the months on.
    "spark.sql.sources.parallelPartitionDiscovery.threshold" -> "8",
    // The optimizer would cut an empty branch off the plan, and with it the counts observed there.
    "spark.sql.adaptive.optimizer.excludedRules" -> "org.apache.spark.sql.execution.adaptive.AQEPropagateEmptyRelation",
    "spark.sql.optimizer.excludedRules" -> Seq("PropagateEmptyRelation", "PruneFilters")
      .map(rule => s"org.apache.spark.sql.catalyst.optimizer.$rule").mkString(",")
  )
}

/** S3 as Spark's file system shows it, on Glue and on the laptop alike. */
final class Files(spark: SparkSession) {

  def read(location: String): String = {
    val stream = system(location).open(new Path(location))
    try new String(stream.readAllBytes(), UTF_8)
    finally stream.close()
  }

  /** The first bytes of a file, unpacked if it is zipped; none if it only says so. */
  def head(location: String, bytes: Int): Array[Byte] = {
    val opened = system(location).open(new Path(location))
    def stream = if (location.endsWith(".gz")) new GZIPInputStream(opened) else opened
    try stream.readNBytes(bytes)
    catch { case _: ZipException | _: EOFException => Array.empty[Byte] }
    finally opened.close()
  }

  def write(location: String, text: String): Unit = {
    val stream = system(location).create(new Path(location))
    try stream.write(text.getBytes(UTF_8))
    finally stream.close()
  }

  /** Path -> size in bytes of each data file under the location. As for Spark, _names and .names are none. */
  def list(location: String): ListMap[String, Long] = {
    val (root, found) = (new Path(location), mutable.ArrayBuffer.empty[(String, Long)])
    if (system(location).exists(root)) {
      val files = system(location).listFiles(root, true)
      while (files.hasNext) {
        val file = files.next()
        found += location + root.toUri.relativize(file.getPath.toUri).getPath -> file.getLen
      }
    }
    ListMap(found.filterNot { case (path, _) => hidden(path.stripPrefix(location)) }.sorted: _*)
  }

  /** The folders right under the location, each with a slash at its end. */
  def folders(location: String): Seq[String] = {
    val root = new Path(location)
    if (!system(location).exists(root)) Nil
    else {
      val folders = system(location).listStatus(root).toSeq.filter(_.isDirectory)
      folders.map(found => s"$location${found.getPath.getName}/")
    }
  }

  def delete(location: String): Unit = system(location).delete(new Path(location), true)

  private def system(location: String) = new Path(location).getFileSystem(spark.sparkContext.hadoopConfiguration)

  private def hidden(name: String): Boolean = name.endsWith("_$folder$") ||
    name.split("/").exists(part => part.startsWith(".") || part.startsWith("_") && !part.contains("="))
}

/** A call to AWS that was refused: its code, such as EntityNotFoundException, and its message. */
class AwsError(val code: String, message: String) extends Exception(s"$code: $message") with NoStackTrace

/** The API of an AWS service for a script that has no SDK at hand: JSON over HTTP, signed with Signature Version 4. */
final class Aws(service: Service, endpoint: URI, region: String, credentials: () => Credentials) {
  private val http = HttpClient.newBuilder.version(HttpClient.Version.HTTP_1_1).build()

  /** Call an action. Throws AwsError; what may pass (throttling, a fault of the service) is tried again first. */
  def apply(action: String, request: Json.Fields, attempt: Int = 1): Options = {
    val answer = http.send(signed(action, Json.write(request)), HttpResponse.BodyHandlers.ofString)
    val body = Options(if (answer.body.isEmpty) ListMap.empty else Json.read(answer.body))
    val code = body.text("__type").split("#").last
    if (answer.statusCode < 300) body
    else if (attempt < Aws.Attempts && (answer.statusCode >= 500 || code.startsWith("Throttling"))) {
      Thread.sleep(200L << attempt)
      apply(action, request, attempt + 1)
    } else throw new AwsError(code, body.text("Message", body.text("message", s"HTTP ${answer.statusCode}")))
  }

  private def signed(action: String, body: String): HttpRequest = {
    val key = credentials()
    val time = Aws.Time.format(Instant.now.atOffset(ZoneOffset.UTC))
    val headers = ListMap(
      "content-type" -> "application/x-amz-json-1.1",
      "host" -> endpoint.getAuthority,
      "x-amz-date" -> time
    ) ++ key.token.map("x-amz-security-token" -> _) + ("x-amz-target" -> s"${service.target}.$action")
    val names = headers.keys.mkString(";")
    val canonical = headers.map { case (name, value) => s"$name:$value\n" }.mkString
    val scope = s"${time.take(8)}/$region/${service.name}/aws4_request"
    val asked = Digest.sha256(s"POST\n/\n\n$canonical\n$names\n${Digest.sha256(body)}")
    val secret = scope.split("/").foldLeft(s"AWS4${key.secret}".getBytes(UTF_8))(Digest.hmac)
    val signature = Digest.hex(Digest.hmac(secret, s"AWS4-HMAC-SHA256\n$time\n$scope\n$asked"))
    val proof = s"AWS4-HMAC-SHA256 Credential=${key.id}/$scope, SignedHeaders=$names, Signature=$signature"
    val request = HttpRequest.newBuilder(endpoint.resolve("/")).POST(HttpRequest.BodyPublishers.ofString(body))
    // Java sets the host by itself and refuses it from others.
    for ((name, value) <- headers if name != "host") request.header(name, value)
    request.header("authorization", proof).build()
  }
}

/** A service: its name in hosts and signatures, that before its actions, and the variable that names its endpoint. */
final case class Service(name: String, target: String, variable: String)

object Aws {
  private val Attempts = 5
  private val Time = DateTimeFormatter.ofPattern("yyyyMMdd'T'HHmmss'Z'")
  private val Services = Seq(
    Service("glue", "AWSGlue", "AWS_ENDPOINT_URL_GLUE"),
    Service("secretsmanager", "secretsmanager", "AWS_ENDPOINT_URL_SECRETS_MANAGER")
  )

  /** The client of a service for a region, or the one that the environment names, at the endpoint that it names. */
  def apply(name: String, region: Option[String]): Aws = {
    val place = (region ++ Seq("AWS_REGION", "AWS_DEFAULT_REGION").flatMap(sys.env.get)).headOption
      .getOrElse(throw new JobError("no region: set the argument --aws_region"))
    val suffix = if (place.startsWith("cn-")) "amazonaws.com.cn" else "amazonaws.com"
    val service = Services.find(_.name == name).getOrElse(throw Errors.unknown("service", name, Services.map(_.name)))
    val endpoint = Seq(service.variable, "AWS_ENDPOINT_URL").flatMap(sys.env.get).headOption
    new Aws(service, URI.create(endpoint.getOrElse(s"https://$name.$place.$suffix")), place, () => Credentials.find())
  }
}

object Digest {
  def sha256(text: String): String = hex(MessageDigest.getInstance("SHA-256").digest(text.getBytes(UTF_8)))

  def hmac(key: Array[Byte], text: String): Array[Byte] = {
    val mac = Mac.getInstance("HmacSHA256")
    mac.init(new SecretKeySpec(key, "HmacSHA256"))
    mac.doFinal(text.getBytes(UTF_8))
  }

  def hex(bytes: Array[Byte]): String = bytes.map(byte => f"$byte%02x").mkString
}

final case class Credentials(id: String, secret: String, token: Option[String])

object Credentials {
  private val Sdk2 = "software.amazon.awssdk.auth.credentials.DefaultCredentialsProvider"
  private val Sdk1 = "com.amazonaws.auth.DefaultAWSCredentialsProviderChain"

  /** Those of the environment, else those that the AWS SDK finds: version 2, or 1 where that is all there is.
    *
    * By reflection, since Glue has the SDK and the pyspark wheel, which compiles this in tests, has not.
    */
  def find(): Credentials = ofEnvironment
    .orElse(ofSdk(Sdk2, "create", "resolveCredentials", "accessKeyId", "secretAccessKey", "sessionToken"))
    .orElse(ofSdk(Sdk1, "getInstance", "getCredentials", "getAWSAccessKeyId", "getAWSSecretKey", "getSessionToken"))
    .getOrElse(throw new JobError("no AWS credentials: neither in the environment nor by an AWS SDK"))

  private def ofEnvironment: Option[Credentials] =
    for (id <- sys.env.get("AWS_ACCESS_KEY_ID"); secret <- sys.env.get("AWS_SECRET_ACCESS_KEY"))
      yield Credentials(id, secret, sys.env.get("AWS_SESSION_TOKEN"))

  private def ofSdk(provider: String, make: String, find: String, id: String, secret: String, token: String) =
    Try(Class.forName(provider)).toOption.map { class_ =>
      val found = call(class_.getMethod(make).invoke(null), find)
      def text(method: String) = call(found, method).toString
      Credentials(text(id), text(secret), Try(text(token)).toOption)
    }

  private def call(target: AnyRef, method: String): AnyRef = target.getClass.getMethod(method).invoke(target)
}

/** A source table as the catalog has it. location ends with a slash; columns map names to Spark types. */
final case class Table(
    dataset: String,
    location: String,
    format: String,
    columns: ListMap[String, String],
    keys: ListMap[String, String],
    parameters: Map[String, String]
) {

  /** Spark's options for the SerDe's: LazySimpleSerDe and OpenCSVSerde name theirs differently. */
  lazy val csvOptions: Map[String, String] = {
    val header = parameters.getOrElse("skip.header.line.count", "0").toInt
    if (header > 1)
      throw new JobError(s"dataset $dataset: skip.header.line.count is $header. Jobs read files with 0 or 1")
    val quote = parameters.getOrElse("quoteChar", "\"")
    val separators = Seq("separatorChar", "field.delim", "delimiter").flatMap(parameters.get).filter(_.nonEmpty)
    Map(
      "header" -> (header == 1).toString,
      "sep" -> separators.headOption.getOrElse(","),
      "quote" -> quote,
      "escape" -> parameters.getOrElse("escapeChar", quote),
      "nullValue" -> parameters.getOrElse("serialization.null.format", "")
    )
  }
}

/** The Glue Data Catalog: what a source table looks like, and how the table that a job writes gets there. */
final class Catalog(glue: Aws) {

  /** The table of a dataset. Throws JobError when there is none, or one of a format that jobs do not read. */
  def find(database: String, name: String, dataset: String): Table = {
    val table = get(database, name).getOrElse(
      throw new JobError(s"dataset $dataset: database $database has no table '$name'. Run the dataset's crawler first")
    )
    val storage = table.nested("StorageDescriptor")
    val serde = storage.nested("SerdeInfo")
    // The catalog has names in lower case; Spark's JSON reader needs them as the files have them.
    val written = serde.nested("Parameters").text("paths").split(",").map(name => name.toLowerCase -> name).toMap
    Table(
      dataset,
      storage.text("Location").stripSuffix("/") + "/",
      format(dataset, s"${table.nested("Parameters").text("classification")} ${serde.text("SerializationLibrary")}"),
      types(storage.list("Columns")).map { case (name, type_) => written.getOrElse(name, name) -> type_ },
      types(table.list("PartitionKeys")),
      table.named("Parameters") ++ serde.named("Parameters")
    )
  }

  /** Where the files of a table lie: location by partition values, Nil for a table without keys. Empty: no table. */
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

  /** Whether a run writes no more. Glue forgets runs after some months. */
  def hasEnded(job: String, runId: String): Boolean =
    try {
      val run = glue("GetJobRun", ListMap("JobName" -> job, "RunId" -> runId)).nested("JobRun")
      !Versions.Underway.contains(run.text("JobRunState"))
    } catch { case error: AwsError if error.code == "EntityNotFoundException" => true }

  /** Throw JobError for a table that is there and partitioned otherwise, or has partitions of another format.
    *
    * Its old files would stay among the new.
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
    catch { case error: AwsError if error.code == "AlreadyExistsException" => glue("UpdateTable", request) }
    val inputs = partitions.toSeq.map { case (values, location) =>
      ListMap("Values" -> values, "StorageDescriptor" -> (storage + ("Location" -> location)))
    }
    for (batch <- inputs.grouped(Catalog.Batch)) register(database, name, batch)
  }

  /** Register what a batch wrote, each partition with the batch's number as its last value.
    *
    * Batch 0 takes the place of the table, the others are added to it. What an earlier try of the batch registered and
    * this one did not write is removed.
    */
  def publishBatch(database: String, sink: Sink, checkpoint: String, number: Long, written: Written): Unit = {
    val before = registered(database, sink.table)
    if (number > 0) checkColumns(database, sink.table, written.columns)
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

  private def checkColumns(database: String, name: String, columns: ListMap[String, String]): Unit = {
    val storage = get(database, name).map(_.nested("StorageDescriptor")).getOrElse(Options(ListMap.empty))
    val there = storage.list("Columns").map(column => column("Name").toString -> column("Type").toString).toMap
    val differing = (there.keySet ++ columns.keySet).filter(name => there.get(name) != columns.get(name))
    if (differing.nonEmpty)
      throw new JobError(
        s"table $database.$name has not the columns of this run's rows: " +
          s"${differing.toSeq.sorted.mkString(", ")} differ. " +
          "Start the job once with --full_refresh true: it makes the table anew from all files"
      )
  }

  private def named(database: String, table: String): Json.Fields =
    ListMap("DatabaseName" -> database, "TableName" -> table)

  /** Register partitions; those that are registered already get the new storage. */
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

  private def format(dataset: String, said: String): String =
    Seq("parquet", "json", "csv").find(said.toLowerCase.contains(_)).getOrElse(
      throw new JobError(s"dataset $dataset: its table is of format '${said.trim}'. Jobs read csv, json and parquet")
    )

  // Spark refuses Hive's bounded strings in the schema of a read.
  private def types(columns: Seq[Json.Fields]): ListMap[String, String] = ListMap(columns.map { column =>
    column("Name").toString -> column("Type").toString.replaceAll("\\b(var)?char\\(\\d+\\)", "string")
  }: _*)

  /** What the catalog says of files of this format with these columns, wherever they lie. */
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
}

/** The versions of a table: each run writes into a folder of its own, and the catalog says which folders count. */
final class Versions(files: Files, catalog: Catalog, job: String) {

  /** Delete the folders of runs that have ended and that none of the locations lies in.
    *
    * The locations are asked for last: a run that ended before has published by then what it ever will.
    */
  def removeUnused(root: String, locations: => Seq[String]): Unit = {
    def unused(folders: Seq[String]): Seq[String] = if (folders.isEmpty) Nil
    else {
      val used = locations.map(location => root + location.stripPrefix(root).split("/").head + "/").toSet
      folders.filterNot(used)
    }
    val candidates = unused(files.folders(root).filter(runId(root, _).nonEmpty))
    unused(candidates.filter(folder => runId(root, folder).exists(catalog.hasEnded(job, _)))).foreach(files.delete)
  }

  private def runId(root: String, folder: String): Option[String] =
    Some(folder.stripPrefix(root).stripSuffix("/"))
      .filter(_.startsWith(Versions.Prefix))
      .map(_.stripPrefix(Versions.Prefix))
}

object Versions {
  val Underway: Seq[String] = Seq("STARTING", "RUNNING", "STOPPING", "WAITING")
  private val Prefix = "run-"

  /** Where a run writes: s3://curated/flights/run-jr_1/ for the root s3://curated/flights/. */
  def folder(root: String, runId: String): String = s"$root$Prefix$runId/"
}

/** Incremental runs: Spark's file source and its checkpoint say which files are new, and each batch becomes partitions.
  *
  * Spark may run a batch again, with the same number and the same files, when a run died before its checkpoint knew of
  * it. So what a batch publishes takes the place of what it published before.
  */
object Batches {
  val Key = "batch" // the last partition key of a table that is written incrementally
  val Checkpoint = "checkpoint" // the table's parameter that names the checkpoint whose batches it holds
  private val File = "path string, modificationTime timestamp, length bigint, content binary" // of Spark's binaryFile
  private val Listed = Seq("expectations", "warnings") // of which a report of several batches has those of all
  private val Numbers = Seq("rows_in", "rows_out", "quarantined_rows", "quarantined_files") ++ Balance.Kinds
  private val Nothing: Json.Fields = ListMap(Numbers.map(_ -> (0L: Any)): _*) ++
    ListMap("steps" -> Nil, "quarantined" -> ListMap.empty, "partitions" -> 0L, "files" -> 0L, "bytes" -> 0L)

  /** Call process with a number and files (path -> size) that no batch of the checkpoint had before.
    *
    * Usually that is one batch: all that is new; none if nothing is. After a run that died, its batch comes first. The
    * folder is read, not the catalog: files of partitions that no crawler has seen yet are among them.
    */
  def each(spark: SparkSession, files: Files, table: Table, checkpoint: String)(
      process: (Long, ListMap[String, Long]) => Unit
  ): Unit = if (files.list(table.location).values.exists(_ > 0)) {
    // Without a greatest age, Spark would leave out files that come a week after the newest.
    val options = Map("recursiveFileLookup" -> "true", "maxFileAge" -> "36500d")
    val stream = spark.readStream.format("binaryFile").schema(File).options(options).load(table.location)
    var failed: Option[Throwable] = None
    def call(frame: DataFrame, number: Long): Unit =
      try {
        val found = frame.collect().map(row => row.getString(0) -> row.getLong(1))
        process(number, ListMap(found: _*) ++ files.list(table.location).filter(_._2 == 0)) // which Spark passes over
      } catch {
        case error: Throwable =>
          failed = Some(error)
          throw error
      }
    val query = stream.select("path", "length").writeStream.foreachBatch(call _)
      .option("checkpointLocation", checkpoint).trigger(Trigger.AvailableNow).start()
    try query.awaitTermination()
    catch { case error: StreamingQueryException => throw failed.getOrElse(trouble(error, checkpoint)) }
  }

  private def trouble(error: StreamingQueryException, checkpoint: String) = new JobError(
    s"the checkpoint $checkpoint cannot be used: ${error.getMessage.trim.split("\n").head}. " +
      "A run with --full_refresh true starts a new one"
  )

  /** One report of the reports of several batches, or of none. */
  def total(reports: Seq[Json.Fields]): Json.Fields = {
    val found = reports.foldLeft(Nothing) { (before, report) =>
      sum(before, report -- Listed).asInstanceOf[Json.Fields] ++ Listed.flatMap(listed(_, before, report))
    }
    found + ("batches" -> reports.size)
  }

  private def listed(name: String, reports: Json.Fields*): Option[(String, Any)] = {
    val lines = reports.flatMap(_.get(name)).collect { case lines: Seq[_] => lines }.flatten
    if (lines.isEmpty) None else Some(name -> lines)
  }

  private def sum(one: Any, other: Any): Any = (one, other) match {
    case (a: ListMap[_, _], b: ListMap[_, _]) =>
      val (before, added) = (a.asInstanceOf[Json.Fields], b.asInstanceOf[Json.Fields])
      ListMap(added.toSeq.map { case (name, value) => name -> before.get(name).fold(value)(sum(_, value)) }: _*)
    case (a: Seq[_], b: Seq[_]) => if (a.isEmpty) b else a.zip(b).map { case (x, y) => sum(x, y) }
    case (a: Double, b: Double) => a + b
    case (a: Number, b: Number) => a.longValue + b.longValue
    case _ => other
  }
}

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

/** Lines of JSON that have more than one object: Spark's reader takes the first, and drops the others. */
object JsonLines {
  private val (someFiles, bytes) = (32, 256 * 1024)

  /** Path -> reason of the files that have more than one object on a line.
    *
    * Whoever writes files without line ends (a delivery stream does, unless told otherwise) does so in all of them. So
    * the beginnings of some files are looked at, and only where one is such a file, those of all.
    */
  def withMore(files: Files, paths: Seq[String]): ListMap[String, String] = {
    val some = paths.grouped(paths.size / someFiles + 1).map(_.head).toSeq
    val looked = if (faults(files, some).isEmpty) Nil else faults(files, paths)
    ListMap(looked: _*)
  }

  private def faults(files: Files, paths: Seq[String]): Seq[(String, String)] =
    paths.par.flatMap(path => fault(files, path).map(path -> _)).seq

  private def fault(files: Files, path: String): Option[String] = {
    val head = files.head(path, bytes)
    val lines = new String(head, UTF_8).split("\n").toSeq
    val whole = if (head.length < bytes) lines else lines.dropRight(1)
    whole.indexWhere(line => Json.goesOn(line.trim)) match {
      case -1 => None
      case at => Some(s"there is more on line ${at + 1} than one JSON object: write one object a line")
    }
  }
}

/** JSON whose records lie inside documents: a crawler's classifier said where (`$.records[*]`, `$.detail`). */
object Documents {
  val NothingThere = "_lake_nothing_there"
  private val inFile = """explode(
    CASE WHEN get_json_object(split(value, '\\n')[0], '$') IS NOT NULL
    THEN filter(split(value, '\\n'), line -> trim(line) <> '') ELSE array(value) END)"""

  /** A row per record of whole files: `value` is a file's text, one document or one a line. Other columns stay.
    *
    * `corrupt` gets the text of a record that does not fit its columns, or of a document that has no record there.
    */
  def records(files: DataFrame, path: String, columns: ListMap[String, String], corrupt: String): DataFrame = {
    val place = path.stripSuffix("[*]")
    val many = s"from_json(get_json_object(document, '$place'), 'array<string>')"
    val one = s"array(get_json_object(document, '$place'))"
    val found = files.withColumn("document", expr(inFile)).drop("value")
      .withColumn("record", expr(s"explode(coalesce(${if (path == place) one else many}, array(NULL)))"))
    val schema = (columns + (corrupt -> "string")).map { case (name, type_) => s"${Names.quoted(name)} $type_" }
    val options = Map("mode" -> "PERMISSIVE", "columnNameOfCorruptRecord" -> corrupt)
    val read = found
      .withColumn("read", from_json(col("record"), StructType.fromDDL(schema.mkString(", ")), options))
      .withColumn(NothingThere, col("record").isNull)
    val bad = when(col(NothingThere), col("document")).otherwise(col(s"read.`$corrupt`"))
    val fields = columns.keys.toSeq.map(name => name -> col(s"read.${Names.quoted(name)}")) :+ (corrupt -> bad)
    fields.foldLeft(read) { case (frame, (name, value)) => frame.withColumn(name, value) }
      .drop("document", "record", "read")
  }
}

object Names {
  def quoted(column: String): String = s"`${column.replace("`", "``")}`"

  def column(name: String): Column = col(quoted(name))
}

/** How far a run is: a line of its output, at most one a second, as lake_etl/progress.py has it. */
final class Progress extends SparkListener {
  private var (rows, told) = (0L, 0L) // told: when, in milliseconds
  private val running = mutable.TreeMap.empty[Int, (Int, Int)] // of each stage: tasks done, and tasks

  override def onStageSubmitted(event: SparkListenerStageSubmitted): Unit =
    running(event.stageInfo.stageId) = (0, event.stageInfo.numTasks)

  override def onStageCompleted(event: SparkListenerStageCompleted): Unit = running -= event.stageInfo.stageId

  override def onTaskEnd(event: SparkListenerTaskEnd): Unit = {
    for (metrics <- Option(event.taskMetrics)) rows += metrics.inputMetrics.recordsRead
    for ((done, tasks) <- running.get(event.stageId) if event.reason == Success)
      running(event.stageId) = (done + 1, tasks)
    for ((stage, (done, tasks)) <- running.headOption if System.currentTimeMillis - told >= 1000) {
      told = System.currentTimeMillis
      println(Progress.Line.formatLocal(Locale.ROOT, stage, done, tasks, rows))
    }
  }
}

object Progress {
  private val Line = "LAKE_PROGRESS stage %d: %d of %d tasks, %,d rows read"
}

/** The quarantine zone: every row and file that could not be used, with where it came from and why.
  *
  * A run's folder holds JSON lines of dataset, source_file, raw, reason, found_by, job, run_id, quarantined_at.
  * found_by is the reader, where raw is the row's own text in its file; or a step or `expect`, where raw is the row as
  * it came there, as JSON.
  */
final class Quarantine(bucket: String, job: String, runId: String, started: OffsetDateTime) {
  private val location = s"s3://$bucket/$job/run_date=${started.toLocalDate}/$runId/"

  /** Write what the source could not read, and say how much that was. Its rows must have been read. */
  def keep(spark: SparkSession, source: Source): ListMap[String, Long] = {
    val rows = source.rejected.filter(_ => source.count("bad") > 0)
      .map(keepRows(source.dataset, Quarantine.Reader, _)).getOrElse(0L)
    if (source.files.nonEmpty) {
      val listed = source.files.toSeq.map { case (path, reason) => Row(path, null, reason) }
      val schema = StructType.fromDDL("source_file string, raw string, reason string")
      keepRows(source.dataset, Quarantine.Reader, spark.createDataFrame(listed.asJava, schema))
    }
    ListMap("rows" -> rows, "files" -> source.files.size.toLong)
  }

  /** Write rows that came from this dataset, and say how many. */
  def keepRows(dataset: String, foundBy: String, rejected: DataFrame): Long = {
    val at = started.format(Quarantine.Moment)
    val ours = Seq("job" -> job, "run_id" -> runId, "quarantined_at" -> at)
    val told = Seq("dataset" -> dataset, "found_by" -> foundBy) ++ ours
    val explained = told.foldLeft(rejected) { case (frame, (name, value)) => frame.withColumn(name, lit(value)) }
    val (counted, rows) = Balance.observe(explained)
    counted.write.mode("append").json(location)
    rows()
  }
}

object Quarantine {
  val Reader = "reader"
  val Moment: DateTimeFormatter = DateTimeFormatter.ofPattern("yyyy-MM-dd'T'HH:mm:ss.SSSSSSxxx")
}

/** Where every row went. */
object Balance {
  private val gains = Seq("added_by_joins", "added_by_sql")
  private val losses = Seq("filtered", "deduplicated", "removed_by_joins", "removed_by_sql", "quarantined_rows")
  private val patience = 30.seconds

  /** What a report calls the rows that steps add and remove. */
  val Kinds: Seq[String] = gains ++ losses.filter(_ != "quarantined_rows")

  /** The frame, and its number of rows once a query has read it: no query of its own. */
  def observe(frame: DataFrame): (DataFrame, () => Long) = {
    val rows = Observation()
    (frame.observe(rows, count(lit(1)).as("rows")), () => observed(rows)("rows").asInstanceOf[Long])
  }

  /** What was observed by a query that is over. Throws JobError where the query never came by the place: Spark itself
    * would wait for ever.
    */
  def observed(observation: Observation): Map[String, Any] =
    try Await.result(Future(blocking(observation.get)), patience)
    catch {
      case _: TimeoutException =>
        throw new JobError(
          "the rows cannot be accounted for: Spark left a dataset or a step unread, since the result does not need " +
            "it. Remove what is not needed; a sql step has to use `input`"
        )
    }

  /** What each step did to the rows, and the sums by kind.
    *
    * The effect of a join or of SQL is net: a join that drops two rows and doubles three adds one.
    */
  def account(rows: Long, steps: Seq[Applied]): Json.Fields = {
    val after = Steps.rowsAfter(rows, steps)
    val moves = steps.zip((rows +: after).zip(after)).map { case (step, (before, now)) => (step, before, now) }
    val totals = Kinds.map { kind =>
      kind -> moves.collect { case (step, before, now) if step.kind(now - before) == kind => (now - before).abs }.sum
    }
    val lines = moves.map { case (step, before, now) =>
      ListMap("step" -> step.name, "rows_in" -> before, "rows_out" -> now)
    }
    ListMap(totals: _*) + ("steps" -> lines)
  }

  /** Throw JobError unless what came in is what went somewhere:
    *
    * rows_in + added_by_joins + added_by_sql
    *   = rows_out + filtered + deduplicated + removed_by_joins + removed_by_sql + quarantined_rows
    *
    * The terms are measured apart: rows_in where the source is read, rows_out in the files that were written,
    * quarantined_rows as they are written to the quarantine zone.
    */
  def check(report: Json.Fields): Unit = {
    def terms(names: Seq[String]) = names.map(name => name -> report(name).asInstanceOf[Long])
    def sum(terms: Seq[(String, Long)]) = terms.map { case (name, rows) => s"$name $rows" }.mkString(" + ")
    val (before, after) = (terms("rows_in" +: gains), terms("rows_out" +: losses))
    if (before.map(_._2).sum != after.map(_._2).sum)
      throw new JobError(
        s"the rows do not add up: ${sum(before)} is not ${sum(after)}. Steps: ${Json.write(report("steps"))}"
      )
  }
}

/** What a run wrote: rows and bytes as counted in the files, partitions as values -> location. */
final case class Written(
    location: String,
    rows: Long,
    bytes: Long,
    files: Long,
    columns: ListMap[String, String],
    keys: ListMap[String, String],
    partitions: ListMap[Seq[String], String]
)

/** A format that jobs write: its compressions, the default first; bytes in a shuffle for one in a file, about; and the
  * classes that the catalog names.
  */
final case class Format(
    name: String,
    compressions: Seq[String],
    shuffled: Int,
    input: String,
    output: String,
    serde: String
) {
  val isText: Boolean = name == "json" || name == "csv"
}

object Format {
  private val hive = "org.apache.hadoop.hive"
  private val (parquet, orc, avro) = (s"$hive.ql.io.parquet", s"$hive.ql.io.orc", s"$hive.ql.io.avro")
  private val text = "org.apache.hadoop.mapred.TextInputFormat"
  private val textOut = s"$hive.ql.io.HiveIgnoreKeyTextOutputFormat"

  val All: Seq[Format] = Seq(
    Format("parquet", Seq("zstd", "snappy", "gzip", "none"), 4, s"$parquet.MapredParquetInputFormat",
      s"$parquet.MapredParquetOutputFormat", s"$parquet.serde.ParquetHiveSerDe"),
    Format("orc", Seq("zstd", "snappy", "zlib", "none"), 4, s"$orc.OrcInputFormat", s"$orc.OrcOutputFormat",
      s"$orc.OrcSerde"),
    Format("json", Seq("gzip", "bzip2", "none"), 1, text, textOut, "org.openx.data.jsonserde.JsonSerDe"),
    Format("csv", Seq("gzip", "bzip2", "none"), 1, text, textOut, s"$hive.serde2.lazy.LazySimpleSerDe"),
    Format("avro", Seq("snappy", "deflate", "none"), 2, s"$avro.AvroContainerInputFormat",
      s"$avro.AvroContainerOutputFormat", s"$hive.serde2.avro.AvroSerDe")
  )

  def apply(name: String): Format =
    All.find(_.name == name).getOrElse(throw Errors.unknown("sink format", name, All.map(_.name)))
}

/** Where and how a job writes: one folder a partition, in a folder of the run's own. */
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

  /** Write the frame into a folder that is the run's own, and count what arrived. */
  def write(frame: DataFrame, location: String): Written = {
    Errors.checkColumns(frame, keys, "the data that goes to the sink")
    if (keys.size == frame.columns.length)
      throw new JobError(s"sink partition_by: ${keys.mkString(", ")} are all the columns. Leave one for the files")
    withFileSize(frame.sparkSession)(save(arranged(frame), location))
    val (rows, sizes) = arrived(frame, location)
    val types = ListMap(frame.schema.map(field => field.name.toLowerCase -> hiveType(field.dataType)): _*)
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

  /** The value of `name=a%2Fb`: Spark writes it as Hive does. */
  private def value(folder: String): String = ExternalCatalogUtils.unescapePathName(folder.split("=", 2).last)

  /** The rows of a partition together, in as few tasks as there shall be files. */
  private def arranged(frame: DataFrame): DataFrame =
    if (targetFileMb.nonEmpty) frame.hint("rebalance", keys.map(UnresolvedAttribute.quoted): _*)
    else if (keys.nonEmpty) frame.repartition(keys.map(col): _*)
    else frame

  /** Adaptive execution cuts what it rebalances into parts of a size that is set for the session. */
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
      val codec = if (format.name == "avro" && compression == "none") "uncompressed" else compression
      writer.format(if (format.name == "csv") "text" else format.name).mode("overwrite")
      val options = Map("compression" -> codec, "timestampFormat" -> Sink.Timestamp)
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

  /** Number of rows, and path -> size in bytes of their files. */
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
  private val Timestamp = "yyyy-MM-dd HH:mm:ss.SSSSSS" // as Hive's and Athena's readers of text expect it
}

/** CSV as Athena's LazySimpleSerDe reads it: typed, with nulls, and a delimiter within a text behind a backslash.
  *
  * OpenCSVSerde would read quotes, but no null and no date.
  */
object CsvLines {
  val Serde = Map("field.delim" -> ",", "escape.delim" -> "\\", "serialization.null.format" -> "\\N")

  /** The frame as one column of lines, and the partition keys. */
  def apply(frame: DataFrame, keys: Seq[String]): DataFrame = {
    val fields = frame.schema.filterNot(field => keys.exists(_.equalsIgnoreCase(field.name))).map(text)
    frame.select(concat_ws(Serde("field.delim"), fields: _*).as("line") +: keys.map(col): _*)
  }

  private def text(field: StructField): Column = {
    val column = Names.column(field.name)
    val text = field.dataType match {
      case _: ArrayType | _: MapType | _: StructType | BinaryType =>
        throw new JobError(
          s"sink format csv: column ${field.name} is ${field.dataType.simpleString}. Choose json, parquet or orc"
        )
      case StringType => escaped(column, field.name)
      case _ => column.cast("string")
    }
    coalesce(text, lit(Serde("serialization.null.format")))
  }

  private def escaped(column: Column, name: String): Column = {
    val broken = s"sink format csv: column $name has a text of more than one line. Choose json, parquet or orc"
    val text = regexp_replace(column, "([\\\\,])", "\\\\$1")
    when(column.rlike("[\\r\\n]"), Errors.failure(lit(broken))).otherwise(text)
  }
}

/** The database refused a statement. state is its SQLSTATE. */
final class Refused(message: String, val state: String) extends JobError(message) {
  def isLost: Boolean = Refused.Lost.exists(state.startsWith)
  def isOfAValue: Boolean = state.startsWith("22")
}

object Refused {
  private val Lost = Seq("08", "57P") // how their SQLSTATEs begin
}

/** Where a Glue connection leads, and the login that Secrets Manager has for it. */
final class Database(
    val connection: String,
    url: String,
    secret: String,
    user: String,
    password: String,
    ssl: Boolean,
) {

  /** What the driver is told, on Spark's side and on ours. */
  private val properties = Map("user" -> user, "password" -> password, "tcpKeepAlive" -> "true") ++
    (if (ssl) Some("sslmode" -> "require") else None)

  /** Spark's options to read or write a table, `schema.table`. */
  def options(table: String): Map[String, String] =
    Map("url" -> url, "driver" -> Database.Driver, "dbtable" -> Quoted.table(table)) ++ properties

  /** A table as a dataset, read by one statement when the steps ask for it. No row of it can be bad. */
  def read(spark: SparkSession, table: String, dataset: String): Source = {
    val session = new Session(this)
    try session.check(table, s"dataset $dataset")
    finally session.close()
    val frame = spark.read.format("jdbc").options(options(table)).option("fetchsize", Database.Fetched).load()
    val counts = Observation()
    val counting = frame.observe(counts, count(lit(1)).as("rows"), lit(0L).as("bad"))
    new Source(dataset, counting, None, ListMap.empty, counts)
  }

  def open(): Connection = {
    val given = new java.util.Properties()
    properties.foreach { case (name, value) => given.setProperty(name, value) }
    val opened = try driver().connect(url, given) catch { case error: SQLException => throw refusal(error) }
    Option(opened).getOrElse(throw new JobError(s"connection $connection: $url is no URL of PostgreSQL"))
  }

  // By its name: Glue has the driver, and the pyspark wheel, which compiles this in tests, has not.
  private def driver(): Driver =
    try Class.forName(Database.Driver, true, Thread.currentThread.getContextClassLoader)
      .getConstructor().newInstance().asInstanceOf[Driver]
    catch {
      case _: ClassNotFoundException =>
        throw new JobError(
          s"connection $connection: this Spark has no PostgreSQL driver (${Database.Driver}). Glue has it built in. " +
            "For the embedded AWS, install Debian's libpostgresql-jdbc-java or name the jar in LAKE_JDBC_JARS, " +
            "and start it again"
        )
    }

  /** What the driver says, in one line, with the way out where there is a usual one. Refused, if it has a SQLSTATE. */
  def refusal(error: Throwable): JobError =
    Database.ofTheDriver(error).fold(new JobError(s"connection $connection: $error"))(refused)

  private def refused(cause: SQLException): JobError = {
    val (at, said, state) = (s"the database at ${url.split("//", 2).last}", Database.said(cause), cause.getSQLState)
    val plain = new Refused(s"connection $connection: $said", Option(state).getOrElse(""))
    if (Database.WrongLogin.contains(state))
      new Refused(
        s"connection $connection: $at refuses the login of the secret $secret: $said. Put another with `lake secret`",
        state
      )
    else if (plain.isLost) new Refused(s"connection $connection: $at cannot be reached, or went away: $said", state)
    else plain
  }
}

object Database {
  private val Driver = "org.postgresql.Driver"
  private val Fetched = 10000L // rows in one round trip
  private val WrongLogin = Seq("28P01", "28000") // SQLSTATEs

  /** The database of a Glue connection. Throws JobError where there is no connection, secret, or login in it. */
  def find(glue: Aws, secrets: Aws, connection: String): Database = {
    val answer = try glue("GetConnection", ListMap("Name" -> connection)) catch {
      case error: AwsError if error.code == "EntityNotFoundException" =>
        throw new JobError(s"connection $connection: there is none of this name. Deploy the catalog stack first")
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
      said <- Try(Options(Json.read(value))).toOption
      user <- said.get("username")
      word <- said.get("password")
    } yield (user.toString, word.toString)
    login.getOrElse(throw wrong("is not JSON with username and password"))
  }

  /** The innermost cause that the driver threw: those around it quote whole rows. None: not the database failed. */
  def ofTheDriver(error: Throwable): Option[SQLException] = {
    val causes = Iterator.iterate(error)(_.getCause).takeWhile(_ != null)
    causes.collect { case cause: SQLException => cause }.toSeq.lastOption
  }

  /** The first line, without the severity; and the key that broke a constraint, but no whole row. */
  private def said(error: SQLException): String = {
    val lines = Option(error.getMessage).getOrElse(error.toString).linesIterator.map(_.trim).filter(_.nonEmpty).toSeq
    val detail = lines.tail.find(_.startsWith("Detail: Key")).map(_.stripPrefix("Detail: ").stripSuffix("."))
    val first = lines.head.stripPrefix("FATAL: ").stripPrefix("ERROR: ").stripSuffix(".")
    first + detail.fold("")(key => s" ($key)")
  }
}

object Quoted {

  /** A column as SQL takes it, whatever its letters: dots are part of its name. */
  def column(name: String): String = "\"" + name.replace("\"", "\"\"") + "\""

  /** `schema.table` as SQL takes it. */
  def table(name: String): String = name.split("\\.").map(column).mkString(".")

  def columns(names: Seq[String]): String = names.map(column).mkString(", ")
}

/** One connection to a database. A statement is a transaction of its own, unless it stands in `transaction`.
  *
  * Throws JobError when the database cannot be reached or refuses the login; Refused when it refuses a statement.
  */
final class Session(val database: Database) {
  private val connection = database.open()

  def close(): Unit = told(connection.close())

  /** Run a statement, with a text for each `?`. Returns how many rows it changed. */
  def execute(statement: String, values: String*): Int = prepared(statement, values)(_.executeUpdate())

  /** The rows of a query, each value as text. */
  def rows(statement: String, values: String*): List[List[String]] = prepared(statement, values) { prepared =>
    val found = prepared.executeQuery()
    val width = (1 to found.getMetaData.getColumnCount).toList
    Iterator.continually(found).takeWhile(_.next()).map(row => width.map(row.getString)).toList
  }

  /** All statements inside, or none of them. */
  def transaction(statements: => Unit): Unit = {
    connection.setAutoCommit(false)
    try {
      statements
      told(connection.commit())
    } catch {
      case error: Throwable =>
        Try(connection.rollback()) // of a lost connection, the server rolls back by itself
        throw error
    } finally Try(connection.setAutoCommit(true))
  }

  /** Throw JobError for a table that the database does not have, or does not show to this user. */
  def check(table: String, what: String): Unit = if (!has(table)) {
    val Array(schema, name) = table.split("\\.")
    val there = rows("SELECT tablename FROM pg_tables WHERE schemaname = ? ORDER BY 1", schema).flatten
    val told = if (there.isEmpty) s"schema $schema has no table" else Errors.unknown("table", name, there).getMessage
    throw new JobError(s"$what: connection ${database.connection} has no table $table: $told")
  }

  def has(table: String): Boolean = rows("SELECT to_regclass(?)", Quoted.table(table)) != List(List(null))

  private def prepared[T](statement: String, values: Seq[String])(run: PreparedStatement => T): T = {
    val prepared = told(connection.prepareStatement(statement))
    try told {
      for ((value, place) <- values.zipWithIndex) prepared.setString(place + 1, value)
      run(prepared)
    } finally told(prepared.close())
  }

  private def told[T](call: => T): T = try call catch { case error: SQLException => throw database.refusal(error) }
}

/** Where and how a job writes into a database: `table` is schema.table; batchSize, the rows of one round trip. */
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
  * A lock keeps a second load of the same table out until this one is closed. The schema gets a table _lake_runs: what
  * each run has loaded, written in the same transaction. So a run that Glue tries again inserts nothing a second time,
  * and a commit whose answer was lost can be asked for.
  *
  * Throws JobError when the database is not there, another run loads the table, or the rows do not fit it.
  */
final class Load(database: Database, sink: DatabaseSink, job: String, runId: String) {
  private val Array(schema, table) = sink.table.split("\\.")
  private val prefix = s"_lake_${table.take(24)}_${Digest.sha256(table).take(8)}_"
  private val staging = s"$schema.$prefix${Digest.sha256(runId).take(12)}"
  private val runs = s"$schema.${Load.Runs}"
  // The attempts of a run are one insert; the other modes may well be done again.
  private val notedAs = if (sink.mode == "insert") runId.split("_attempt_").head else runId
  private val session = new Session(database)
  val name = s"${sink.connection} ${sink.table}"

  /** Take the lock, and clear what killed runs have left. */
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

  /** Put all rows into a staging table, and count them there. */
  def write(frame: DataFrame): Written = {
    Errors.checkColumns(frame, sink.keys, "the data that goes to the sink")
    val (types, there) = (checked(DatabaseColumns.staged(frame)), DatabaseColumns.of(session, sink.table))
    if (there.nonEmpty) checked {
      DatabaseColumns.checkFit(types, there)
      DatabaseColumns.checkUnique(session, sink.table, DatabaseColumns.matched(sink.keys, there.keys))
    }
    val columns = types.map { case (name, type_) => s"${Quoted.column(name)} $type_" }
    drop(staging)
    // Unlogged: it is written once and read once, and after a crash of the server it is empty.
    session.execute(s"CREATE UNLOGGED TABLE ${Quoted.table(staging)} (${columns.mkString(", ")})")
    save(frame)
    val rows = session.rows(s"SELECT count(*) FROM ${Quoted.table(staging)}").head.head.toLong
    checked(DatabaseColumns.checkKeys(session, staging, DatabaseColumns.matched(sink.keys, types.keys)))
    Written("", rows, 0, 0, types, ListMap.empty, ListMap.empty)
  }

  /** Move the staged rows into the table: a reader sees all of them or none. */
  def publish(written: Written): Unit =
    try session.transaction(if (isNew(written)) move(written.columns))
    catch {
      case error: Refused if error.isLost => settle(error)
      case error: Refused =>
        def culprit = DatabaseColumns.culprit(session, staging, sink.table, written.columns)
        throw failed(s"${if (error.isOfAValue) culprit else ""}${error.getMessage}")
    }

  /** Drop the staging table, and with the connection let go of the lock. */
  def close(): Unit =
    try {
      drop(staging)
      session.close()
    } catch { case error: Refused if error.isLost => () } // by the server, and the next run clears the table

  private def save(frame: DataFrame): Unit = {
    val writing = Map(
      "batchsize" -> sink.batchSize.toString,
      "numPartitions" -> Load.Writers,
      "reWriteBatchedInserts" -> "true"
    )
    try frame.write.format("jdbc").options(database.options(staging) ++ writing).mode("append").save()
    catch {
      case error: Throwable if Database.ofTheDriver(error).nonEmpty =>
        val (refused, zero) = (database.refusal(error), Database.ofTheDriver(error).exists(_.getSQLState == "22021"))
        val wayOut = if (zero) ". PostgreSQL keeps no text with the character 0: remove it in a map step" else ""
        throw failed(s"${refused.getMessage}$wayOut")
    }
  }

  private def move(types: ListMap[String, String]): Unit = {
    val target = Quoted.table(sink.table)
    if (!session.has(sink.table)) create(types)
    // TRUNCATE keeps readers out, and shows an empty table to those whose snapshot is older.
    if (sink.mode == "truncate") session.execute(s"DELETE FROM $target")
    val there = DatabaseColumns.of(session, sink.table)
    val names = DatabaseColumns.matched(types.keys, there.keys)
    val values = types.toSeq.zip(names).map {
      case ((name, type_), into) => DatabaseColumns.value(name, type_, there(into))
    }
    val conflict = if (sink.keys.isEmpty) "" else onConflict(names, DatabaseColumns.matched(sink.keys, there.keys))
    session.execute(
      s"INSERT INTO $target (${Quoted.columns(names)}) " +
        s"SELECT ${values.mkString(", ")} FROM ${Quoted.table(staging)}$conflict"
    )
  }

  private def create(types: ListMap[String, String]): Unit = {
    val columns = types.toSeq.map { case (name, type_) => s"${Quoted.column(name.toLowerCase)} $type_" }
    val keys = if (sink.keys.isEmpty) None else Some(s"PRIMARY KEY (${Quoted.columns(sink.keys.map(_.toLowerCase))})")
    session.execute(s"CREATE TABLE ${Quoted.table(sink.table)} (${(columns ++ keys).mkString(", ")})")
  }

  private def onConflict(names: Seq[String], keys: Seq[String]): String = {
    val others = names.filterNot(keys.contains).map(Quoted.column)
    val changes = others.map(column => s"$column = EXCLUDED.$column")
    val effect = if (changes.isEmpty) "NOTHING" else s"UPDATE SET ${changes.mkString(", ")}"
    s" ON CONFLICT (${Quoted.columns(keys)}) DO $effect"
  }

  /** Note this load. False where this run has done it before. */
  private def isNew(written: Written): Boolean = {
    session.execute(
      s"CREATE TABLE IF NOT EXISTS ${Quoted.table(runs)} " +
        "(table_name text, run_id text, job text, mode text, rows bigint, " +
        "loaded_at timestamp with time zone DEFAULT now(), PRIMARY KEY (table_name, run_id))"
    )
    val note = s"INSERT INTO ${Quoted.table(runs)} VALUES (?, ?, ?, ?, ?::bigint) ON CONFLICT DO NOTHING"
    session.execute(note, table, notedAs, job, sink.mode, written.rows.toString) > 0
  }

  /** The connection was lost, perhaps after the commit: ask over a new one whether the rows are there. */
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
  private val Writers = "8" // connections at a time
  // The server then notices within minutes that the machine of a run is gone, and lets go of the run's lock.
  private val Keepalive =
    "SELECT set_config('tcp_keepalives_idle', '60', false), set_config('tcp_keepalives_interval', '15', false)"
}

/** The columns of a staging table and of the table it goes to: do they fit, and which one does not. */
object DatabaseColumns {
  private val Types = Map( // Spark's type: PostgreSQL's
    "string" -> "text",
    "boolean" -> "boolean",
    "tinyint" -> "smallint",
    "smallint" -> "smallint",
    "int" -> "integer",
    "bigint" -> "bigint",
    "float" -> "real",
    "double" -> "double precision",
    "date" -> "date",
    "timestamp" -> "timestamp with time zone",
    "timestamp_ntz" -> "timestamp without time zone",
    "binary" -> "bytea"
  )
  private val Whole = Seq("smallint", "integer", "bigint")
  private val Fractions = Seq("real", "double precision", "numeric")

  /** Column -> PostgreSQL's type. Throws JobError for a type that no column of a database has. */
  def staged(frame: DataFrame): ListMap[String, String] =
    ListMap(frame.schema.map(field => field.name -> typeOf(field.name, field.dataType)): _*)

  private def typeOf(name: String, type_ : DataType): String = type_ match {
    case decimal: DecimalType => s"numeric(${decimal.precision},${decimal.scale})"
    case other => Types.getOrElse(other.catalogString, throw new JobError(
        s"column $name is ${other.catalogString}, which a database has not. Add: map: {add: {$name: to_json($name)}}"
      ))
  }

  /** Column -> type of a table that is there, else nothing. Types have no length; all kinds of text are text. */
  def of(session: Session, table: String): ListMap[String, String] = {
    val found = session.rows(
      "SELECT attname, CASE typcategory WHEN 'S' THEN 'text' ELSE format_type(atttypid, NULL) END " +
        "FROM pg_attribute JOIN pg_type ON pg_type.oid = atttypid " +
        "WHERE attrelid = to_regclass(?) AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
      Quoted.table(table)
    )
    ListMap(found.map { case List(name, type_) => name -> type_ }: _*)
  }

  /** The columns there that are meant by names: with the same letters, or else whatever their case.
    *
    * Throws JobError for a name that is none of them.
    */
  def matched(names: Iterable[String], there: Iterable[String]): Seq[String] = {
    val known = (there.map(name => name.toLowerCase -> name) ++ there.map(name => name -> name)).toMap
    def lower(name: String) = known.getOrElse(name.toLowerCase, throw Errors.missingColumn(name, there, "the table"))
    names.toSeq.map(name => known.getOrElse(name, lower(name)))
  }

  /** Throw JobError for a column that the table does not have, or that the table would round. */
  def checkFit(types: ListMap[String, String], there: ListMap[String, String]): Unit =
    for (((name, type_), known) <- types.toSeq.zip(matched(types.keys, there.keys)))
      if (Whole.contains(there(known)) && Fractions.exists(type_.startsWith))
        throw new JobError(
          s"column $name is $type_ in the data and ${there(known)} in the table. Cast it in a map step"
        )

  /** Throw JobError unless a unique index has just these columns. */
  def checkUnique(session: Session, table: String, keys: Seq[String]): Unit = {
    val unique = session.rows(
      "SELECT string_agg(attname, ',' ORDER BY attname) FROM pg_index JOIN pg_attribute ON attrelid = indrelid " +
        "AND attnum = ANY (indkey) WHERE indrelid = to_regclass(?) AND indisunique AND indpred IS NULL " +
        "GROUP BY indexrelid",
      Quoted.table(table)
    )
    if (keys.nonEmpty && !unique.contains(List(keys.sorted.mkString(","))))
      throw new JobError(
        s"an upsert by ${keys.mkString(", ")} needs a unique index of just these columns. Create it first"
      )
  }

  /** Throw JobError for a key that is null, and for one that two rows have: either of them could stay. */
  def checkKeys(session: Session, staging: String, keys: Seq[String]): Unit = if (keys.nonEmpty) {
    val (listed, rows, shown) = (Quoted.columns(keys), Quoted.table(staging), keys.mkString(", "))
    val isNull = keys.map(key => s"${Quoted.column(key)} IS NULL").mkString(" OR ")
    for (number <- session.rows(s"SELECT count(*) FROM $rows WHERE $isNull HAVING count(*) > 0").flatten)
      throw new JobError(s"$number rows have no value in a key column ($shown). Filter or fill them")
    val twice = s"SELECT $listed, count(*) FROM $rows GROUP BY $listed HAVING count(*) > 1 ORDER BY $listed LIMIT 1"
    for (found <- session.rows(twice)) {
      val key = keys.zip(found).map { case (name, value) => s"$name '$value'" }.mkString(", ")
      throw new JobError(s"${found.last} rows have the key $key. Add a step before it, dedupe: {by: [$shown]}")
    }
  }

  /** A staged value as the table takes it: only texts must be told what they are. */
  def value(name: String, staged: String, there: String): String =
    if (staged == "text" && there != "text") s"CAST(${Quoted.column(name)} AS $there)" else Quoted.column(name)

  /** `column x: ` of the first column whose staged values its column in the table cannot hold; or nothing. */
  def culprit(session: Session, staging: String, table: String, types: ListMap[String, String]): String = {
    val there = of(session, table)
    def fits(name: String, into: String): Boolean =
      try {
        session.transaction {
          val like = s"SELECT ${Quoted.column(into)} FROM ${Quoted.table(table)} WITH NO DATA"
          session.execute(s"CREATE TEMPORARY TABLE _lake_one ON COMMIT DROP AS $like")
          val taken = value(name, types(name), there(into))
          session.execute(s"INSERT INTO _lake_one SELECT $taken FROM ${Quoted.table(staging)}")
        }
        true
      } catch { case _: Refused => false }
    val columns = if (there.isEmpty) Nil else types.keys.toSeq.zip(matched(types.keys, there.keys))
    columns.collectFirst { case (name, into) if !fits(name, into) => s"column $name: " }.getOrElse("")
  }
}

/** A step that was applied: its number of rows, known once a query has read them, and the bad rows it leaves out. */
final case class Applied(
    name: String,
    transform: Transform,
    count: Option[() => Long],
    rejects: Option[DataFrame],
    casts: Seq[Counted] = Nil
) {

  /** What the report calls this change of the number of rows. */
  def kind(change: Long): String = if (change > 0) transform.adds else transform.removes
}

/** Applying a job's steps, in order, each with its count of rows. */
object Steps {

  /** Apply steps such as {"filter": "distance > 0"}; dataset reads another dataset by its name. */
  def apply(frame: DataFrame, steps: Seq[Json.Fields], dataset: String => DataFrame): (DataFrame, Seq[Applied]) =
    steps.zipWithIndex.foldLeft((frame, Seq.empty[Applied])) { case ((data, applied), (step, index)) =>
      val (name, options) = step.head
      val casts = mutable.ArrayBuffer.empty[Counted]
      val (changed, rejects) = try one(name, options, data, dataset, casts += _)
      catch { case error: JobError => throw new JobError(s"step ${index + 1} ($name): ${error.getMessage}") }
      val transform = Transform.All(name)
      if (transform.keepsRows(options)) (changed, applied :+ Applied(name, transform, None, rejects, casts.toSeq))
      else {
        val (counted, rows) = Balance.observe(changed)
        (counted, applied :+ Applied(name, transform, Some(rows), rejects, casts.toSeq))
      }
    }

  /** How many rows leave each step, of so many that come to the first. A query must have read them. */
  def rowsAfter(rows: Long, steps: Seq[Applied]): Seq[Long] =
    steps.scanLeft(rows) { case (before, step) => step.count.fold(before)(_()) }.tail

  /** Write the rows that the steps left out as bad, and say how many. A step that left out none is not run again. */
  def keepRejects(quarantine: Quarantine, source: Source, steps: Seq[Applied]): Long = {
    val after = rowsAfter(source.good, steps)
    val moves = steps.zip((source.good +: after).zip(after)).zipWithIndex
    val lossy = moves.collect { case ((step, (came, left)), index) if left < came => (index + 1, step) }
    lossy.flatMap { case (number, step) =>
      step.rejects.map(quarantine.keepRows(source.dataset, s"step $number (${step.name})", _))
    }.sum
  }

  def check(steps: Seq[Json.Fields]): Unit = for ((step, index) <- steps.zipWithIndex) {
    if (step.size != 1)
      throw new JobError(s"step ${index + 1}: ${Json.write(step)} has to be one step with its options")
    if (!Transform.All.contains(step.head._1))
      throw Errors.unknown(s"step ${index + 1}:", step.head._1, Transform.All.keys)
  }

  private def one(
      name: String,
      options: Any,
      frame: DataFrame,
      dataset: String => DataFrame,
      casts: Counted => Unit
  ) = {
    val transform = Transform.All(name)
    try { (transform.counting(frame, options, dataset, casts), transform.rejects(frame, options)) }
    catch { case error: AnalysisException => throw explained(error, frame) }
  }

  /** What Spark has against an expression over the frame, in one line. */
  def explained(error: AnalysisException, frame: DataFrame): JobError =
    if (Option(error.getErrorClass).exists(_.startsWith("UNRESOLVED_COLUMN")))
      Errors.missingColumn(error.getMessageParameters.get("objectName").replace("`", ""), frame.columns)
    else new JobError(error.getMessage.trim.split("\n").head)
}

/** A kind of step, and what the run report calls the rows that it removes and adds (empty: it must do neither). */
abstract class Transform(val removes: String = "", val adds: String = "") {

  /** The data changed by the step's options; dataset reads another dataset by its name. */
  def apply(frame: DataFrame, options: Any, dataset: String => DataFrame): DataFrame

  /** The same; `casts` is given what counts the nulls that the step's casts make. */
  def counting(frame: DataFrame, options: Any, dataset: String => DataFrame, casts: Counted => Unit): DataFrame =
    apply(frame, options, dataset)

  /** The rows that apply leaves out because they are bad: source_file, raw, reason. None when it leaves none out. */
  def rejects(frame: DataFrame, options: Any): Option[DataFrame] = None

  /** Whether each row becomes exactly one: then nothing has to be counted. */
  def keepsRows(options: Any): Boolean = false

  protected def options(given: Any): Options = given match {
    case fields: ListMap[_, _] => Options(fields.asInstanceOf[Json.Fields])
    case null => Options(ListMap.empty)
    case other => throw new JobError(s"its options have to be a mapping, not ${Json.write(other)}")
  }

  protected def text(given: Any, kind: String): String = given match {
    case text: String => text
    case other => throw new JobError(s"it takes $kind, not ${Json.write(other)}")
  }

  /** The column that SQL describes. A function of a person's own is Python, which a Scala job cannot call. */
  protected def described(given: Any): Column = given match {
    case function: ListMap[_, _] =>
      val name = Options(function.asInstanceOf[Json.Fields]).check(Seq("function")).text("function")
      throw new JobError(s"function $name: Scala jobs call no named Python functions. Use SQL, or language: python")
    case sql => expr(text(sql, "a SQL expression"))
  }

  /** Names that may be given alone or as a list. */
  protected def oneOrMany(given: Any): List[String] = given match {
    case name: String => List(name)
    case names: List[_] => names.map(_.toString)
    case other => throw new JobError(s"a name or a list of names is needed, not ${Json.write(other)}")
  }
}

object Transform {
  // Lazy: whoever asks for one of them first begins this object too, and would find that one still missing.
  lazy val All: ListMap[String, Transform] = ListMap(
    "convert" -> Convert,
    "dedupe" -> Dedupe,
    "drop_fields" -> DropFields,
    "drop_null_fields" -> DropNullFields,
    "filter" -> Filter,
    "find_matches" -> FindMatches,
    "join" -> Join,
    "map" -> MapFields,
    "sql" -> Sql
  )
}

/** The data without the named columns. */
object DropFields extends Transform {
  override def keepsRows(given: Any): Boolean = true

  def apply(frame: DataFrame, given: Any, dataset: String => DataFrame): DataFrame = {
    val names = oneOrMany(given)
    Errors.checkColumns(frame, names)
    frame.drop(names: _*)
  }
}

/** The data without the columns in which every row is null, or holds a value that `also` says counts as null.
  *
  * This reads the data once, since only the data can tell. Without rows, all columns stay.
  */
object DropNullFields extends Transform {
  override def keepsRows(given: Any): Boolean = true

  def apply(frame: DataFrame, given: Any, dataset: String => DataFrame): DataFrame = {
    val also = options(given).check(Nil, Seq("also")).values("also")
    val counts = frame.agg(count(lit(1)), frame.schema.map(field => count(filled(field, also))): _*).head()
    val empty = frame.columns.indices.filter(place => counts.getLong(place + 1) == 0).map(frame.columns(_))
    if (counts.getLong(0) == 0) frame else frame.drop(empty: _*)
  }

  /** The column, with null for the values that count as it: texts in string columns, numbers in numeric ones. */
  private def filled(field: StructField, also: Seq[Any]): Column = {
    val column = Names.column(field.name)
    val values = also.filter {
      case _: String => field.dataType == StringType
      case _ => field.dataType.isInstanceOf[NumericType]
    }
    if (values.isEmpty) column else when(!column.isin(values: _*), column)
  }
}

/** The rows for which the SQL condition is true; false and null go, as in a WHERE clause. */
object Filter extends Transform(removes = "filtered") {
  def apply(frame: DataFrame, given: Any, dataset: String => DataFrame): DataFrame = frame.where(described(given))
}

/** Records that name the same thing though no field is equal get the same match_id, and a match_confidence_score.
  *
  * Splink does it, which is Python: lake_etl.match_files gets the records as files, in a process of its own.
  */
object FindMatches extends Transform {
  val Library = "spark.lake.library" // the setting that says where the Python package is: a folder, or a zip
  private val (matchId, score) = ("match_id", "match_confidence_score")

  def apply(frame: DataFrame, given: Any, dataset: String => DataFrame): DataFrame = {
    val step = options(given).check(Seq("columns", "id"), Seq("threshold", "blocking", "compare", "known"))
    val (id, columns) = (step.text("id"), step.named("columns").keys.toSeq)
    check(frame, id +: columns)
    val known = step.get("known").map(_.toString).map { name =>
      val found = dataset(name)
      Errors.checkColumns(found, Seq(id, matchId, score) ++ columns, s"dataset $name")
      texts(found, id, columns, col(matchId), col(score).cast("string").as(score))
    }
    val found = matched(frame.sparkSession, step, texts(frame, id, columns, lit(null)), known)
    val joined = frame.withColumn("_id", col(id).cast("string")).join(found, Seq("_id"), "left").drop("_id")
    joined.withColumn(matchId, col(matchId).cast(frame.select(id).schema.head.dataType))
  }

  private def check(frame: DataFrame, names: Seq[String]): Unit = {
    Errors.checkColumns(frame, names)
    for (name <- Seq(matchId, score) if frame.columns.exists(_.equalsIgnoreCase(name)))
      throw new JobError(s"the data has a column '$name' already. Rename it in a step before")
  }

  /** The columns that are compared, as text, and the record's _id and _known match_id. */
  private def texts(frame: DataFrame, id: String, columns: Seq[String], known: Column, more: Column*): DataFrame = {
    val compared = columns.map(name => col(name).cast("string").as(name))
    frame.select(col(id).cast("string").as("_id") +: known.cast("string").as("_known") +: (compared ++ more): _*)
  }

  private def matched(spark: SparkSession, step: Options, fresh: DataFrame, known: Option[DataFrame]): DataFrame = {
    val folder = Disk.createTempDirectory("find_matches")
    try {
      Disk.writeString(folder.resolve("options.json"), Json.write(step.given))
      for ((name, frame) <- Seq("new" -> Some(fresh), "known" -> known); rows <- frame)
        Disk.write(folder.resolve(s"$name.json"), rows.toJSON.collectAsList())
      run(folder, library(spark, folder.resolve("library")))
      val lines = spark.createDataset(Disk.readAllLines(folder.resolve("matches.json")))(Encoders.STRING)
      spark.read.schema(s"_id string, $matchId string, $score double").json(lines)
    } finally FileUtils.deleteDirectory(folder.toFile)
  }

  /** A copy of the Python package on this machine. */
  private def library(spark: SparkSession, copy: DiskPath): DiskPath = {
    val place = new Path(spark.conf.getOption(Library).getOrElse(throw new JobError("argument --lake_etl is missing")))
    val files = place.getFileSystem(spark.sparkContext.hadoopConfiguration)
    files.copyToLocalFile(false, place, new Path(copy.toUri), true)
    copy
  }

  private def run(folder: DiskPath, library: DiskPath): Unit = {
    val python = sys.env.getOrElse("PYSPARK_PYTHON", "python3")
    val process = new ProcessBuilder(python, "-m", "lake_etl.match_files", folder.toString).redirectErrorStream(true)
    process.environment.merge("PYTHONPATH", library.toString, (others, own) => s"$own:$others")
    val running = process.start()
    val said = new String(running.getInputStream.readAllBytes(), UTF_8)
    if (running.waitFor() != 0) throw new JobError(said.trim.split("\n").last)
  }
}

/** The data as it is: the step says how the sink writes it. */
object Convert extends Transform {
  override def keepsRows(given: Any): Boolean = true

  def apply(frame: DataFrame, given: Any, dataset: String => DataFrame): DataFrame = {
    options(given).check(Nil, Seq("format", "compression", "target_file_mb"))
    frame
  }

  /** The sink's options with those of the convert steps, of which the last word counts. */
  def converted(sink: Options, steps: Seq[Json.Fields]): Options =
    Options(steps.flatMap(_.get("convert")).map(options(_).given).foldLeft(sink.given)(_ ++ _))
}

/** One row of those that are duplicates of each other. Options and result: see lake_etl/transforms/dedupe.py. */
object Dedupe extends Transform(removes = "deduplicated") {
  private val Place = "_lake_place"

  def apply(frame: DataFrame, given: Any, dataset: String => DataFrame): DataFrame = {
    val wanted = options(given).check(Nil, Seq("by", "newest"))
    val (by, newest) = (wanted.texts("by"), wanted.get("newest").map(text(_, "the name of a column")))
    Errors.checkColumns(frame, by ++ newest)
    if (by.isEmpty && newest.nonEmpty)
      throw new JobError("newest is only allowed with by: rows that are equal in every column are equally new")
    if (by.isEmpty) frame.dropDuplicates()
    else {
      val order = newest.map(col(_).desc_nulls_last).toSeq ++ frame.schema.map(sortable)
      val place = row_number().over(Window.partitionBy(by.map(col): _*).orderBy(order: _*))
      frame.withColumn(Place, place).where(col(Place) === 1).drop(Place)
    }
  }

  /** The column, or its JSON where it holds a map: Spark does not order maps. */
  private def sortable(field: StructField): Column = {
    val column = Names.column(field.name)
    if (field.dataType.catalogString.contains("map<")) to_json(struct(column)) else column
  }
}

/** What a Spark SQL query makes of the data, which it finds as `input`, and of other datasets by their names. */
object Sql extends Transform(removes = "removed_by_sql", adds = "added_by_sql") {
  def apply(frame: DataFrame, given: Any, dataset: String => DataFrame): DataFrame = {
    val views = mutable.LinkedHashMap("input" -> frame)
    try run(frame.sparkSession, text(given, "a query"), views, dataset)
    finally views.keys.foreach(frame.sparkSession.catalog.dropTempView)
  }

  /** Only the datasets that the query names are read: Spark says which one it misses, until it misses none. */
  @annotation.tailrec
  private def run(
      spark: SparkSession,
      query: String,
      views: mutable.Map[String, DataFrame],
      dataset: String => DataFrame
  ): DataFrame = {
    views.foreach { case (name, view) => view.createOrReplaceTempView(name) }
    Try(spark.sql(query)) match {
      case Failure(error: AnalysisException) if missing(error).exists(!views.contains(_)) =>
        missing(error).foreach(name => views(name) = dataset(name))
        run(spark, query, views, dataset)
      case result => result.get
    }
  }

  private def missing(error: AnalysisException): Option[String] =
    Some(error).filter(_.getErrorClass == "TABLE_OR_VIEW_NOT_FOUND")
      .map(_.getMessageParameters.get("relationName").replaceAll("^`|`$", ""))
}

/** Casts that may make null of a value: the type of each column, and what counts these nulls once a query reads the
  * rows. prefix is what a report has before the columns' names: that of another dataset.
  */
final case class Counted(types: Cast.Types, counts: Observation, prefix: String = "")

/** Of a column's values that were there, so many did not fit the type and became null. examples are such values. */
final case class CastNulls(
    step: String,
    column: String,
    type_ : String,
    values: Long,
    nulls: Long,
    examples: Seq[String]
) {
  def share: Double = if (values == 0) 0 else nulls.toDouble / values

  /** A line and not a field a column: the reports of all jobs are one table. */
  def record: Json.Fields = ListMap("column" -> column, "type" -> type_, "values" -> values, "nulls" -> nulls)

  override def toString: String = {
    val (shown, tenths) = (examples.map(value => s"'$value'").mkString(" and "), (2000 * nulls + values) / (2 * values))
    s"$step: $nulls of $values values of $column (${tenths / 10}.${tenths % 10} %) are not ${type_} and became null, " +
      s"such as $shown. Mend them before the cast, or cast with on_error: quarantine"
  }
}

/** What the casts of a run made null: counted by the query that writes the rows, told in the report. */
object CastNulls {
  val WarnOver = 0.01

  def warnOver(spec: Options): Double =
    spec.nested("cast_nulls").get("warn_over").collect { case share: Number => share.doubleValue }.getOrElse(WarnOver)

  /** Of each column that a step casts, unless its misfits fail the run or go to quarantine. */
  def apply(steps: Seq[Applied]): Seq[CastNulls] = for {
    (step, index) <- steps.zipWithIndex
    counted <- step.casts
    found <- of(s"step ${index + 1} (${step.name})", counted)
  } yield found

  /** What a report says: the counts of each column, and a warning for each with a greater share. */
  def told(found: Seq[CastNulls], warnOver: Double): Json.Fields = {
    val (lines, warnings) = (found.map(_.record), found.filter(_.share > warnOver).map(_.toString))
    ListMap.empty[String, Any] ++ (if (lines.isEmpty) None else Some("cast_nulls" -> lines)) ++
      (if (warnings.isEmpty) None else Some("warnings" -> warnings))
  }

  private def of(step: String, counted: Counted): Seq[CastNulls] = {
    val seen = Balance.observed(counted.counts)
    def number(name: String) = seen(name).asInstanceOf[Long]
    counted.types.toSeq.map { case (name, type_) =>
      val examples = Seq("least", "most").flatMap(end => Option(seen(s"$end $name"))).map(_.toString)
      CastNulls(step, counted.prefix + name, type_, number(s"values $name"), number(s"nulls $name"), examples.distinct)
    }
  }
}

/** Casting columns, and what becomes of the rows with a value that does not fit its new type. */
object Cast {
  type Types = ListMap[String, String] // of each column

  private val OnError = Seq("null", "quarantine", "fail")
  private val Shown = 40 // characters of a value in a message

  /** The frame, of a dataset where it is not the data itself, with columns cast. For a value that does not fit, onError
    * says: it becomes null, and `counted` is given what counts it; its row is left out; or reading the row fails.
    */
  def apply(
      frame: DataFrame,
      types: Types,
      onError: String,
      counted: Counted => Unit,
      dataset: String = ""
  ): DataFrame = {
    if (!OnError.contains(onError)) throw Errors.unknown("on_error", onError, OnError)
    Errors.checkColumns(frame, types.keys, if (dataset.isEmpty) "the data" else s"dataset $dataset")
    if (onError == "null") orNull(frame, types, counted, if (dataset.isEmpty) "" else s"$dataset.")
    else {
      val good = if (onError == "quarantine") frame.where(reason(types).isNull) else frame
      good.withColumns(types.map { case (name, type_) =>
        val value = tried(name, type_)
        val failing = when(misfit(name, type_), Errors.failure(reason(types))).otherwise(value)
        name -> (if (onError == "fail") failing else value)
      })
    }
  }

  /** Each value is cast once: what counts the nulls sees it before and after, side by side. */
  private def orNull(frame: DataFrame, types: Types, counted: Counted => Unit, prefix: String): DataFrame = {
    val news = ListMap(types.keys.toSeq.zipWithIndex.map { case (name, place) => name -> s"_lake_cast_$place" }: _*)
    val risky = types.filterNot { case (name, type_) => alwaysFits(frame, name, type_) }
    val both = frame.withColumns(types.map { case (name, type_) => news(name) -> tried(name, type_) })
    val seen = if (risky.isEmpty) both
    else {
      val (counts, metrics) = (Observation(), risky.keys.toSeq.flatMap(name => this.metrics(name, news(name))))
      counted(Counted(risky, counts, prefix))
      both.observe(counts, metrics.head, metrics.tail: _*)
    }
    seen.withColumns(news.map { case (name, added) => name -> col(added) }).drop(news.values.toSeq: _*)
  }

  private def alwaysFits(frame: DataFrame, name: String, type_ : String): Boolean = {
    val there = frame.schema.find(_.name.equalsIgnoreCase(name)).map(_.dataType.simpleString)
    type_ == "string" || there.contains(type_)
  }

  private def metrics(name: String, added: String): Seq[Column] = {
    val old = Names.column(name)
    val lost = when(old.isNotNull && col(added).isNull, substring(old.cast(StringType), 1, Shown))
    Seq(
      count(old).as(s"values $name"),
      count(lost).as(s"nulls $name"),
      min(lost).as(s"least $name"),
      max(lost).as(s"most $name")
    )
  }

  /** The rows with a value that does not fit: source_file (where it is known), raw (the row as JSON), reason. */
  def misfits(frame: DataFrame, types: Types): DataFrame = setAside(frame, reason(types))

  /** The rows for which there is a reason: source_file (where it is known), raw (the row as JSON), reason; prepared
    * adds the columns that the reason needs.
    */
  def setAside(frame: DataFrame, reason: Column, prepared: DataFrame => DataFrame = identity): DataFrame = {
    val bad = prepared(withFile(frame)).where(reason.isNotNull)
    val raw = to_json(struct(frame.columns.map(name => Names.column(name)): _*))
    bad.select(col("source_file"), raw.as("raw"), reason.as("reason"))
  }

  /** Spark knows a row's file only until the row met those of another dataset. */
  private def withFile(frame: DataFrame): DataFrame =
    try frame.withColumn("source_file", expr("nullif(input_file_name(), '')"))
    catch { case _: AnalysisException => frame.withColumn("source_file", lit(null).cast("string")) }

  private def tried(name: String, type_ : String): Column = expr(s"try_cast(${Names.quoted(name)} AS $type_)")

  private def misfit(name: String, type_ : String): Column = Names.column(name).isNotNull && tried(name, type_).isNull

  /** What is wrong with a row, by its first column that does not fit; null for a row that is well. */
  private def reason(types: Types): Column = {
    val said = types.toSeq.map { case (name, type_) =>
      val shown = concat(lit(s"column $name: '"), Names.column(name).cast("string"), lit(s"' is not $type_"))
      when(misfit(name, type_), shown)
    }
    coalesce(said :+ lit(null).cast("string"): _*)
  }
}

/** Join with another dataset. Options and result are those of lake_etl/transforms/join.py. */
object Join extends Transform(removes = "removed_by_joins", adds = "added_by_joins") {
  type Keys = ListMap[String, String] // a column of one side -> the column of the other

  private val How = Seq("inner", "left", "right", "full", "semi", "anti")
  // From each type the ones that hold every value of it.
  private val Wider: Map[DataType, Seq[DataType]] = Map(
    ByteType -> Seq(ShortType, IntegerType, LongType, FloatType, DoubleType),
    ShortType -> Seq(IntegerType, LongType, FloatType, DoubleType),
    IntegerType -> Seq(LongType, DoubleType),
    FloatType -> Seq(DoubleType)
  )

  def apply(frame: DataFrame, given: Any, dataset: String => DataFrame): DataFrame =
    counting(frame, given, dataset, _ => ())

  override def counting(
      frame: DataFrame,
      given: Any,
      dataset: String => DataFrame,
      casts: Counted => Unit
  ): DataFrame = {
    val wanted = options(given).check(Seq("with", "on"), Seq("how", "take", "cast_right"))
    val (name, on, how) = (wanted.text("with"), keys(wanted.get("on")), wanted.text("how", "inner"))
    if (!How.contains(how)) throw Errors.unknown("join type", how, How)
    val right = Cast(dataset(name), wanted.named("cast_right"), "null", casts, name)
    Errors.checkColumns(frame, on.keys)
    Errors.checkColumns(right, on.values, s"dataset $name")
    val taken = if (how == "semi" || how == "anti") ListMap.empty[String, String]
    else names(frame, right, name, on, wanted.get("take"))
    Errors.checkColumns(right, taken.keys, s"dataset $name")
    val chosen = on.map { case (here, there) => right(there).as(here) } ++
      taken.map { case (column, as) => right(column).as(as) }
    val (one, other) = sameKeyTypes(frame, right.select(chosen.toSeq: _*), name, on)
    one.join(other, on.keys.toSeq, how).select((frame.columns ++ taken.values).map(Names.column): _*)
  }

  def keys(on: Option[Any]): Keys = on match {
    case Some(pairs: ListMap[_, _]) => pairs.asInstanceOf[Keys]
    case given => ListMap(oneOrMany(given.orNull).map(key => key -> key): _*)
  }

  private def names(frame: DataFrame, right: DataFrame, name: String, on: Keys, take: Option[Any]): Keys = {
    def present(column: String) = frame.columns.exists(_.equalsIgnoreCase(column))
    def free(column: String) = if (present(column)) s"${name}_$column" else column
    take match {
      case Some(mapping: ListMap[_, _]) =>
        val given = mapping.asInstanceOf[Keys]
        for ((column, as) <- given.find { case (_, as) => present(as) })
          throw new JobError(s"take: $name.$column cannot be named '$as', the data has that column already")
        given
      case Some(columns: List[_]) if columns.nonEmpty => ListMap(oneOrMany(columns).map(name => name -> free(name)): _*)
      case _ =>
        val others = right.columns.filterNot(column => on.values.exists(_.equalsIgnoreCase(column)))
        ListMap(others.map(column => column -> free(column)): _*)
    }
  }

  private def sameKeyTypes(left: DataFrame, right: DataFrame, name: String, on: Keys) =
    on.foldLeft((left, right)) { case ((one, other), (here, there)) =>
      val (ours, theirs) = (typeOf(one, here), typeOf(other, here))
      val type_ = common(ours, theirs).getOrElse(throw mismatch(name, here, there, ours, theirs))
      (one.withColumn(here, one(here).cast(type_)), other.withColumn(here, other(here).cast(type_)))
    }

  private def typeOf(frame: DataFrame, name: String): DataType =
    frame.schema.find(_.name.equalsIgnoreCase(name)).get.dataType

  private def common(one: DataType, other: DataType): Option[DataType] =
    if (one == other || Wider.getOrElse(other, Nil).contains(one)) Some(one)
    else Some(other).filter(Wider.getOrElse(one, Nil).contains)

  private def mismatch(name: String, here: String, there: String, ours: DataType, theirs: DataType) = new JobError(
    s"join keys differ in type: $here is ${ours.simpleString} and $name.$there is ${theirs.simpleString}. " +
      s"They would not match. Add a step before the join, map: {cast: {$here: ${theirs.simpleString}}}, " +
      s"or cast the other side with cast_right: {$there: ${ours.simpleString}}"
  )
}

/** Change columns row by row. Options and result are those of lake_etl/transforms/map.py. */
object MapFields extends Transform {
  private val Known = Seq("cast", "on_error", "lookup", "add", "rename", "delete")
  private val OnMany = Seq("error", "first")
  private val Many = "_lake_other_value"

  def apply(frame: DataFrame, given: Any, dataset: String => DataFrame): DataFrame =
    counting(frame, given, dataset, _ => ())

  override def counting(
      frame: DataFrame,
      given: Any,
      dataset: String => DataFrame,
      casts: Counted => Unit
  ): DataFrame = {
    val wanted = options(given).check(Nil, Known)
    val cast = Cast(frame, wanted.named("cast"), wanted.text("on_error", "null"), casts)
    val looked = wanted.each("lookup").foldLeft(cast) { case (data, (column, lookup)) =>
      lookUp(data, column, lookup, dataset)
    }
    val added = wanted.fields("add").foldLeft(looked) { case (data, (column, value)) =>
      // Inside another expression Spark refuses those that make several rows of one, such as explode.
      data.withColumn(column, coalesce(described(value)))
    }
    val (renames, deleted) = (wanted.named("rename"), wanted.texts("delete"))
    Errors.checkColumns(added, renames.keys)
    val renamed = added.withColumnsRenamed(renames)
    Errors.checkColumns(renamed, deleted)
    renamed.drop(deleted: _*)
  }

  override def keepsRows(given: Any): Boolean =
    options(given).text("on_error") != "quarantine" && options(given).fields("lookup").isEmpty

  override def rejects(frame: DataFrame, given: Any): Option[DataFrame] = {
    val wanted = options(given)
    if (wanted.text("on_error") == "quarantine") Some(Cast.misfits(frame, wanted.named("cast"))) else None
  }

  private def lookUp(frame: DataFrame, column: String, lookup: Options, dataset: String => DataFrame): DataFrame = {
    lookup.check(Seq("from", "on", "take"), Seq("default", "on_many"))
    val onMany = lookup.text("on_many", "error")
    if (!OnMany.contains(onMany)) throw Errors.unknown(s"lookup $column: on_many", onMany, OnMany)
    val keys = Join.keys(lookup.get("on"))
    val join = ListMap(
      "with" -> lookup.text("from"),
      "on" -> keys,
      "how" -> "left",
      "take" -> ListMap(column -> column, Many -> Many)
    )
    val joined = Join(frame, join, name => oneAKey(dataset(name), name, keys.values.toSeq, lookup.text("take"), column))
    val value = coalesce(Names.column(column), default(joined, column, lookup.get("default")))
    val checked = if (onMany == "first") value
    else when(col(Many).isNotNull, Errors.failure(twoValues(column, lookup, keys.keys.toSeq))).otherwise(value)
    joined.withColumn(column, checked).drop(Many)
  }

  /** Of each key the smallest value, and the greatest if it is another. */
  private def oneAKey(other: DataFrame, name: String, keys: Seq[String], take: String, column: String): DataFrame = {
    Errors.checkColumns(other, keys :+ take, s"dataset $name")
    val (least, most) = (min(col(take)), max(col(take)))
    other.groupBy(keys.map(col): _*).agg(least.as(column), when(most =!= least, most).as(Many))
  }

  private def twoValues(column: String, lookup: Options, keys: Seq[String]): Column = {
    val said = s"lookup $column: dataset ${lookup.text("from")} has more than one ${lookup.text("take")} for "
    val shown = keys.map(key => concat(lit(s"$key '"), col(key).cast("string"), lit("'")))
    val values = concat_ws("' and '", Names.column(column).cast("string"), col(Many).cast("string"))
    val wayOut = "'. Make its keys unique, or set on_many: first"
    concat(lit(said), concat_ws(", ", shown: _*), lit(": '"), values, lit(wayOut))
  }

  /** The default in the column's own type: coalesce would give text and number a type of its own choice. */
  private def default(frame: DataFrame, column: String, given: Option[Any]): Column = {
    val type_ = frame.schema(column).dataType.catalogString
    for (value <- given) {
      val cast = frame.sparkSession.sql(s"SELECT try_cast(:default AS $type_)", Map("default" -> value)).head()
      val shown = value match { case text: String => s"'$text'"; case number => number.toString }
      if (cast.isNullAt(0))
        throw new JobError(s"lookup $column: the default $shown is not $type_, as the values looked up are")
    }
    lit(given.orNull).cast(type_)
  }
}

/** A rule about the rows that go to the sink, as the specification has it. Its text is that of Glue's Data Quality
  * Definition Language.
  */
final case class Rule(fields: Json.Fields) {
  private val said = Options(fields).check(Seq("rule", "kind", "columns"), Rule.Settings)
  val (text, kind, columns) = (said.text("rule"), said.text("kind"), said.texts("columns"))
  val otherwise: String = said.text("otherwise", "fail")
  val where: Option[String] = said.get("where").map(_.toString)
  val atLeast: Double = decimal("at_least").getOrElse(1.0)
  if (!Rule.Kinds.contains(kind)) throw Errors.unknown("kind of rule", kind, Rule.Kinds)

  def values: List[Any] = said.values("values")
  def keys: List[String] = said.texts("keys")
  def dataset: String = said.text("dataset")
  def pattern: String = said.text("pattern")
  def hours: Int = said.number("hours").getOrElse(0)
  def limit(name: String): Option[Any] = said.get(name)
  def decimal(name: String): Option[Double] = said.get(name).map { case number: Number => number.doubleValue }
}

object Rule {
  private val Kinds = Seq("complete", "unique", "in", "between", "matches", "rows", "fresh", "refers")
  private val Settings =
    Seq("otherwise", "where", "at_least", "values", "least", "most", "pattern", "hours", "dataset", "keys")
}

/** What came of a rule. share is that of the judged rows which hold; rows has none. examples: values that failed. */
final case class Verdict(rule: Rule, holds: Boolean, judged: Long, failed: Option[Long], examples: Seq[String]) {
  private val share = failed.map(failed => if (judged == 0) 1.0 else (judged - failed).toDouble / judged)

  override def toString: String = failed.fold(s"${rule.text}: there are $judged rows") { failed =>
    val such = if (examples.isEmpty) "" else examples.mkString(", such as '", "' and '", "'")
    s"${rule.text}: $failed of $judged rows fail$such"
  }

  /** In the words of Glue Data Quality. */
  def outcome: String = if (holds) "Passed" else "Failed"

  /** The verdict without its examples: values of the data stay out of reports and results. */
  def record: Json.Fields = ListMap(
    "rule" -> rule.text,
    "column_name" -> rule.columns.mkString(", "),
    "otherwise" -> rule.otherwise,
    "outcome" -> outcome,
    "judged" -> judged,
    "failed" -> failed,
    "share" -> share
  )
}

/** Rows on their way to the sink. Once a query has read `rows`, the verdicts are known.
  *
  * rejected: the rows that rules took out (source_file, raw, reason), and their number; None where no rule may.
  */
final case class Judged(rows: DataFrame, rejected: Option[(DataFrame, () => Long)], stages: Seq[() => Seq[Verdict]]) {
  def verdicts: Seq[Verdict] = stages.flatMap(_())

  def keepRejects(quarantine: Quarantine, dataset: String): Long =
    rejected.collect { case (bad, number) if number() > 0 => quarantine.keepRows(dataset, "expect", bad) }.getOrElse(0L)
}

/** What is expected of the rows that go to the sink, evaluated in the query that writes them: no pass of its own.
  *
  * The rules that take rows out (`quarantine`) judge all rows that leave the steps, the others those that stay.
  */
object Expectations {
  private val There = "_lake_there"
  private val Shown = 40 // characters of a value in a message
  private type Datasets = String => DataFrame

  /** Attach the rules to the frame; dataset reads another dataset by its name, now is when values are fresh. */
  def judge(frame: DataFrame, rules: Seq[Rule], dataset: Datasets, now: OffsetDateTime): Judged = {
    val (sifting, others) = rules.partition(_.otherwise == "quarantine")
    val (kept, rejected, first) = if (sifting.isEmpty) (frame, None, None) else sifted(frame, sifting, dataset, now)
    if (others.isEmpty) Judged(kept, rejected, first.toSeq)
    else {
      val counts = Observation()
      val metrics = counted(others)
      val judged = flagged(kept, others, dataset, now).observe(counts, metrics.head, metrics.tail: _*)
      Judged(judged.select(columns(frame): _*), rejected, first.toSeq :+ (() => verdicts(others, counts)))
    }
  }

  /** Throw JobError for the rules that fail the run, each with its counts and examples. */
  def check(verdicts: Seq[Verdict]): Unit = {
    val broken = verdicts.filter(verdict => !verdict.holds && verdict.rule.otherwise == "fail")
    if (broken.nonEmpty) throw new JobError(s"expectations not met, and nothing published: ${broken.mkString("; ")}")
  }

  private def sifted(frame: DataFrame, rules: Seq[Rule], dataset: Datasets, now: OffsetDateTime) = {
    val (counts, bad) = (Observation(), reason(rules).isNotNull)
    val observed = flagged(frame, rules, dataset, now).observe(counts, count_if(bad).as("rejected"), counted(rules): _*)
    val rejected = Cast.setAside(frame, reason(rules), flagged(_, rules, dataset, now))
    val number = () => Balance.observed(counts)("rejected").asInstanceOf[Long]
    (observed.where(!bad).select(columns(frame): _*), Some((rejected, number)), Some(() => verdicts(rules, counts)))
  }

  /** The frame with a column for each rule: whether the row fails it; null where it is not judged. */
  private def flagged(frame: DataFrame, rules: Seq[Rule], dataset: Datasets, now: OffsetDateTime): DataFrame =
    rules.zipWithIndex.foldLeft(frame) { case (data, (rule, place)) =>
      try withFlag(data, place, rule, dataset, now)
      catch {
        case error: JobError => throw new JobError(s"expect ${rule.text}: ${error.getMessage}")
        case error: AnalysisException =>
          throw new JobError(s"expect ${rule.text}: ${Steps.explained(error, frame).getMessage}")
      }
    }

  private def withFlag(frame: DataFrame, place: Int, rule: Rule, dataset: Datasets, now: OffsetDateTime) = {
    Errors.checkColumns(frame, rule.columns, "the data that goes to the sink")
    val data = if (rule.kind == "refers") referred(frame, rule, dataset) else frame
    val failing = fails(data, rule, now)
    data.withColumn(flag(place), rule.where.fold(failing)(where => when(expr(where), failing))).drop(There)
  }

  /** Whether a row fails the rule. A null fails all that say something of values, as in DQDL. */
  private def fails(frame: DataFrame, rule: Rule, now: OffsetDateTime): Column = {
    val columns = rule.columns.map(Names.column)
    def failsUnless(holds: Column) = !coalesce(holds, lit(false))
    rule.kind match {
      case "rows" => lit(false)
      case "complete" => columns.head.isNull
      case "unique" => repeated(columns, rule.where)
      case "refers" => col(There).isNull
      case "in" =>
        val texts = rule.values.exists(_.isInstanceOf[String])
        need(frame, rule, if (texts) "string" else "numeric")(if (texts) isText else isNumber)
        failsUnless(in(columns.head, rule.values))
      case "between" =>
        need(frame, rule, "numeric")(isNumber)
        failsUnless(within(columns.head, rule.limit("least"), rule.limit("most")))
      case "matches" =>
        need(frame, rule, "string")(isText)
        failsUnless(columns.head.rlike(whole(rule.pattern)))
      case "fresh" =>
        need(frame, rule, "date or timestamp or timestampntz")(isTime)
        val oldest = lit(java.sql.Timestamp.from(now.toInstant)) - expr(s"make_dt_interval(0, ${rule.hours})")
        failsUnless(columns.head.cast("timestamp") >= oldest)
    }
  }

  /** Whether another row has the same values. Rows of nulls alone are not judged: they have no key. */
  private def repeated(columns: Seq[Column], where: Option[String]): Column = {
    val judged = where.fold(lit(true))(expr)
    val same = count(when(judged, 1)).over(Window.partitionBy(columns: _*))
    when(coalesce(columns.map(_.cast("string")): _*).isNotNull, same > 1)
  }

  /** The frame with There: true where the other dataset has the row's key. */
  private def referred(frame: DataFrame, rule: Rule, dataset: Datasets): DataFrame = {
    def known(name: String): DataFrame = {
      val other = dataset(name)
      Errors.checkColumns(other, rule.keys, s"dataset $name")
      other.select(rule.keys.map(Names.column): _*).distinct().withColumn(There, lit(true))
    }
    val on = ListMap(rule.columns.zip(rule.keys): _*)
    val options = ListMap("with" -> rule.dataset, "on" -> on, "how" -> "left", "take" -> ListMap(There -> There))
    // A key may have come out wider than the column is.
    val same = frame.schema.map(field => Names.column(field.name).cast(field.dataType).as(field.name))
    Join(frame, options, known).select(same :+ col(There): _*)
  }

  private def in(column: Column, values: Seq[Any]): Column = {
    val listed = column.isin(values.filter(_ != null): _*)
    if (values.contains(null)) coalesce(listed, column.isNull) else listed
  }

  private def within(column: Column, least: Option[Any], most: Option[Any]): Column = {
    val above = least.fold(lit(true))(limit => column >= lit(limit))
    when(column.isNotNull, above && most.fold(lit(true))(limit => column <= lit(limit)))
  }

  /** The pattern for the whole text. */
  private def whole(pattern: String): String = {
    try java.util.regex.Pattern.compile(pattern)
    catch {
      case error: java.util.regex.PatternSyntaxException =>
        throw new JobError(s"Java cannot read the pattern: ${error.getMessage.split("\n").head}")
    }
    s"\\A(?:$pattern)\\z"
  }

  private def need(frame: DataFrame, rule: Rule, needed: String)(allowed: DataType => Boolean): Unit =
    for (field <- frame.schema.find(_.name.equalsIgnoreCase(rule.columns.head)) if !allowed(field.dataType))
      throw new JobError(s"column ${rule.columns.head} is ${field.dataType.simpleString}, and the rule needs $needed")

  private def isText(type_ : DataType) = type_ == StringType
  private def isNumber(type_ : DataType) = type_.isInstanceOf[NumericType]
  private def isTime(type_ : DataType) = Seq(DateType, TimestampType, TimestampNTZType).contains(type_)

  private def counted(rules: Seq[Rule]): Seq[Column] = count(lit(1)).as("rows") +: rules.zipWithIndex.flatMap {
    case (rule, place) =>
      val failed = col(flag(place))
      val shown = substring(concat_ws(", ", rule.columns.map(Names.column(_).cast("string")): _*), 1, Shown)
      val failing = when(failed && shown =!= "", shown)
      val numbers = Seq(count(failed).as(s"judged $place"), count_if(failed).as(s"failed $place"))
      numbers ++ Seq(min(failing).as(s"least $place"), max(failing).as(s"most $place"))
  }

  private def verdicts(rules: Seq[Rule], observation: Observation): Seq[Verdict] = {
    val counts = Balance.observed(observation)
    def number(name: String) = counts(name).asInstanceOf[Long]
    rules.zipWithIndex.map { case (rule, place) =>
      val (judged, failed) = (number(s"judged $place"), number(s"failed $place"))
      if (rule.kind == "rows") {
        val holds = rule.decimal("least").forall(judged >= _) && rule.decimal("most").forall(judged <= _)
        Verdict(rule, holds, judged, None, Nil)
      } else {
        val examples = Seq("least", "most").flatMap(name => Option(counts(s"$name $place"))).map(_.toString)
        Verdict(rule, judged - failed >= rule.atLeast * judged, judged, Some(failed), examples.distinct.sorted)
      }
    }
  }

  /** The rules that a row fails; null for a row that fails none. */
  private def reason(rules: Seq[Rule]): Column = {
    val failed = rules.zipWithIndex.map { case (rule, place) => when(col(flag(place)), lit(rule.text)) }
    nullif(concat_ws("; ", failed: _*), lit(""))
  }

  private def columns(frame: DataFrame): Seq[Column] = frame.columns.toSeq.map(Names.column)

  private def flag(place: Int): String = s"_lake_fails_$place"
}

/** The table of what came of each rule in each run, failed runs included: one file of JSON lines a run. */
object Results {
  private val Table = "data_quality_results"
  private val Moment = DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm:ss.SSSSSS")
  private val Columns = ListMap(
    "run_id" -> "string",
    "rule" -> "string",
    "column_name" -> "string",
    "otherwise" -> "string",
    "outcome" -> "string",
    "judged" -> "bigint",
    "failed" -> "bigint",
    "share" -> "double",
    "evaluated_at" -> "timestamp"
  )

  /** Add a run's verdicts, or those of a part of it, to the table, which is created where it is not there yet. */
  def publish(
      files: Files,
      catalog: Catalog,
      database: String,
      bucket: String,
      job: String,
      runId: String,
      verdicts: Seq[Verdict],
      part: String
  ): Unit = {
    val (root, told) = (s"s3://$bucket/$Table/", ListMap("run_id" -> runId, "evaluated_at" -> now))
    val lines = verdicts.map(verdict => Json.write(told ++ verdict.record) + "\n")
    files.write(s"${root}job=$job/$runId$part.json", lines.mkString)
    val partitions = ListMap(Seq(job) -> s"${root}job=$job/")
    catalog.publish(database, Table, root, Format("json"), Columns, ListMap("job" -> "string"), partitions)
  }

  private def now: String = Moment.format(OffsetDateTime.now(ZoneOffset.UTC))
}

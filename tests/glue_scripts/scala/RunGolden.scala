import java.nio.file.{Files => Disk, Path, Paths}
import java.time.OffsetDateTime

import scala.collection.immutable.ListMap
import scala.util.Try

import org.apache.spark.sql.functions.round
import org.apache.spark.sql.types.DoubleType
import org.apache.spark.sql.{DataFrame, Encoders, SparkSession}

/** Runs golden cases, whose folders are its arguments, and prints a line of JSON for each: the step's result, the
  * expected result, and the full text of the error, if any.
  */
object RunGolden {
  private val Now = OffsetDateTime.parse("2013-02-01T00:00:00Z")
  private lazy val spark = SparkSession.builder.getOrCreate()

  def main(cases: Array[String]): Unit =
    for (ansi <- Seq("false", "true"); folder <- cases.map(Paths.get(_))) {
      spark.conf.set("spark.sql.ansi.enabled", ansi)
      val got = Try(outcome(folder))
      val ended = Map("got" -> got.toOption, "error" -> got.failed.map(text).toOption)
      println(Json.write(ended ++ Map("case" -> folder.toString, "ansi" -> ansi, "expected" -> expected(folder))))
    }

  private def outcome(folder: Path): Map[String, Any] =
    if (Disk.exists(folder.resolve("expect.json"))) judged(folder) else stepped(folder)

  private def judged(folder: Path): Map[String, Any] = {
    val rules = Options(ListMap("rules" -> list(folder.resolve("expect.json")))).list("rules")
    def dataset(name: String) = data(folder.resolve(s"$name.json"))
    val judged = Expectations.judge(dataset("input"), rules.map(Rule(_)), dataset, Now)
    judged.rows.write.format("noop").mode("overwrite").save()
    Map(
      "data" -> contents(judged.rows),
      "quarantined" -> judged.rejected.map { case (rejects, _) => contents(rejects.select("raw", "reason")) },
      "verdicts" -> judged.verdicts.map(verdict => Seq(verdict.outcome, verdict.toString))
    )
  }

  private def stepped(folder: Path): Map[String, Any] = {
    val step = Json.read(Disk.readString(folder.resolve("step.json")))
    Steps.check(Seq(step))
    def dataset(name: String) = data(folder.resolve(s"$name.json"))
    val (frame, applied) = Steps(dataset("input"), Seq(step), dataset)
    val outcome = Map(
      "data" -> contents(frame),
      "quarantined" -> applied.head.rejects.map(rejects => contents(rejects.select("raw", "reason"))),
      "sink" -> Convert.converted(Options(ListMap("table" -> "t")), Seq(step)).given
    )
    if (Disk.exists(folder.resolve("cast_nulls.json"))) outcome + ("cast_nulls" -> nulls(frame, applied)) else outcome
  }

  private def nulls(frame: DataFrame, applied: Seq[Applied]): Any = {
    frame.write.format("noop").mode("overwrite").save()
    CastNulls.summary(CastNulls(applied), CastNulls.WarnOver)
  }

  private def expected(folder: Path): Map[String, Any] = {
    def file(name: String) = Some(folder.resolve(name)).filter(Disk.exists(_))
    def sink = file("sink.json").map(file => Json.read(Disk.readString(file))).getOrElse(ListMap("table" -> "t"))
    val verdicts = file("verdicts.json").map(list)
    Map(
      "data" -> file("expected.json").map(file => contents(data(file))),
      "quarantined" -> file("quarantined.json").map(file => contents(data(file)))
    ) + verdicts.map("verdicts" -> _).getOrElse("sink" -> sink) ++
      file("cast_nulls.json").map(file => "cast_nulls" -> Json.read(Disk.readString(file)))
  }

  private def list(file: Path): Any = Json.read("{\"all\": " + Disk.readString(file) + "}")("all")

  private def data(file: Path): DataFrame = {
    val content = Options(Json.read(Disk.readString(file)))
    val lines = spark.sparkContext.parallelize(content.list("rows").map(Json.write), 2)
    val rows = spark.createDataset(lines)(Encoders.STRING)
    spark.read.schema(content.text("schema")).option("mode", "FAILFAST").json(rows)
  }

  private def contents(frame: DataFrame): Map[String, Any] = Map(
    "schema" -> frame.schema.map(field => Seq(field.name, field.dataType.catalogString)),
    "rows" -> rounded(frame).toJSON.collect().sorted.toSeq
  )

  private def rounded(frame: DataFrame): DataFrame = {
    val doubles = frame.schema.filter(_.dataType == DoubleType).map(_.name)
    doubles.foldLeft(frame)((rows, name) => rows.withColumn(name, round(rows(name), 6)))
  }

  private def text(error: Throwable): String =
    Iterator.iterate(error)(_.getCause).takeWhile(_ != null).map(_.getMessage).mkString("\n")
}

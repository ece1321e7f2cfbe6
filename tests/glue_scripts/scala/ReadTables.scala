import scala.collection.immutable.ListMap
import scala.util.Try

import org.apache.spark.sql.functions.{struct, to_json}
import org.apache.spark.sql.{DataFrame, SparkSession}

/** Reads tables, each given as JSON of database and name. Prints JSON per table: rows, bad lines, files set aside.
  */
object ReadTables {
  def main(tables: Array[String]): Unit = {
    val spark = SparkSession.builder.getOrCreate()
    JobRun.Settings.foreach { case (setting, value) => spark.conf.set(setting, value) }
    val (files, catalog) = (new Files(spark), new Catalog(Aws("glue", None)))
    for (given <- tables.map(text => Options(Json.read(text)))) {
      val table = catalog.find(given.text("database"), given.text("name"), given.text("name"))
      println(Json.write(read(spark, files, table)))
    }
  }

  private def read(spark: SparkSession, files: Files, table: Table): Json.Fields = {
    val source = Source(spark, files, table, None)
    val (read, rows) = Try(source -> texts(source.rows)).getOrElse {
      val again = Source(spark, files, table, None, source.damage())
      again -> texts(again.rows)
    }
    val bad = read.rejected.toSeq.flatMap(_.collect()).map(row => row.getString(1) -> row.getString(2))
    ListMap("rows" -> rows, "bad" -> ListMap(bad: _*), "set_aside" -> read.files,
      "counts" -> Seq(read.count("rows"), read.count("bad")))
  }

  /** Rows as JSON, with dates, timestamps and decimals as text. */
  def texts(frame: DataFrame): Seq[String] = {
    val plain = frame.schema.map { field =>
      val column = Names.column(field.name)
      if (field.dataType.catalogString.matches("(date|timestamp|decimal).*")) column.cast("string").as(field.name)
      else column
    }
    frame.select(to_json(struct(plain: _*), Map("ignoreNullFields" -> "false"))).collect().map(_.getString(0)).toSeq
  }
}

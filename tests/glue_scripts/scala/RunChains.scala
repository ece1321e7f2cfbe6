import scala.collection.immutable.ListMap
import scala.util.{Failure, Success, Try}

import org.apache.spark.sql.{DataFrame, SparkSession}

/** Applies chains of steps, each given as JSON of database, tables and steps. Prints a line of JSON per chain: the rows
  * or the error.
  */
object RunChains {
  def main(chains: Array[String]): Unit = {
    val spark = SparkSession.builder.getOrCreate()
    JobRun.Settings.foreach { case (setting, value) => spark.conf.set(setting, value) }
    val (files, catalog) = (new Files(spark), new Catalog(Aws("glue", None)))
    for (given <- chains.map(file => Options(Json.read(files.read(file))))) {
      def dataset(name: String): DataFrame = {
        val table = catalog.find(given.text("database"), given.named("tables")(name), name)
        Source(spark, files, table, None).rows
      }
      val rows = Try(ReadTables.texts(Steps(dataset("source"), given.list("steps"), dataset)._1))
      println(Json.write(rows match {
        case Success(found) => ListMap("rows" -> found)
        case Failure(error) => ListMap("rows" -> Nil, "error" -> error.toString)
      }))
    }
  }
}

import scala.util.Try

/** Runs one job after the other, each of the arguments in a JSON list, and prints the error of each, or null. */
object RunJobs {
  def main(jobs: Array[String]): Unit = for (job <- jobs) {
    val arguments = Options(Json.read(job)).texts("arguments").toArray
    println(Json.write(Try(GlueApp.main(arguments)).failed.map(_.toString).toOption))
  }
}

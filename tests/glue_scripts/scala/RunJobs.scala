import scala.util.Try

/** Runs several jobs in order, each argument a JSON list of a job's arguments, and prints each one's error, or null. */
object RunJobs {
  def main(jobs: Array[String]): Unit = for (job <- jobs) {
    val arguments = Options(Json.read(job)).texts("arguments").toArray
    println(Json.write(Try(GlueApp.main(arguments)).failed.map(_.toString).toOption))
  }
}

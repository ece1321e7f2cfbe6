/** The job cannot go on; the message says why. */
class JobError(message: String, cause: Throwable = null) extends Exception(message, cause) with NoStackTrace

object Errors {
  private val Failure = "The rows say: " // marks a failure's message within Spark's error text

  /** A column that fails the job when a row of it is read; `reason` extracts the message. */
  def failure(message: Column): Column = raise_error(concat(lit(Failure), message))

  /** Whether the error comes from a column of `failure`. */
  def ofRows(error: Throwable): Boolean =
    Iterator.iterate(error)(_.getCause).takeWhile(_ != null).exists(_.toString.contains(Failure))

  /** Whether a query failed while it ran, rather than when it was analyzed. */
  def ofQuery(error: Throwable): Boolean =
    Seq(error, error.getCause).exists(_.isInstanceOf[SparkException]) && !ofRows(error)

  /** An error's cause in one line: a failure's message, else that of the innermost cause. */
  def reason(error: Throwable): String = {
    val causes = Iterator.iterate(error)(_.getCause).takeWhile(_ != null).toSeq
    val failures = causes.flatMap(cause => s"$Failure(.*)".r.findFirstMatchIn(cause.toString)).map(_.group(1))
    failures.lastOption.getOrElse(Option(causes.last.getMessage).getOrElse(causes.last.toString).trim.split("\n").head)
  }

  /** The error for a name that is not allowed, with the closest allowed one. */
  def unknown(kind: String, name: String, allowed: Iterable[String]): JobError =
    new JobError(s"$kind '$name' is not known. Allowed: ${allowed.mkString(", ")}.${hint(name, allowed)}")

  def missingColumn(name: String, columns: Iterable[String], where: String = "the data"): JobError =
    new JobError(s"column '$name' is not in $where. Columns there: ${columns.mkString(", ")}.${hint(name, columns)}")

  /** Throw JobError for the first name that is not a column of the frame. Case does not matter, as in Spark. */
  def checkColumns(frame: DataFrame, names: Iterable[String], where: String = "the data"): Unit =
    for (name <- names if !frame.columns.exists(_.equalsIgnoreCase(name)))
      throw missingColumn(name, frame.columns, where)

  private def hint(name: String, allowed: Iterable[String]): String = {
    def likeness(other: String) = 2.0 * new LongestCommonSubsequence()(name, other) / (name.length + other.length)
    val near = allowed.toSeq.filter(likeness(_) >= 0.6)
    if (near.isEmpty) "" else s" Did you mean '${near.maxBy(likeness)}'?"
  }
}

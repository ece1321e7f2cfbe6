/** The job cannot go on, and its message says why. */
class JobError(message: String, cause: Throwable = null) extends Exception(message, cause) with NoStackTrace

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

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

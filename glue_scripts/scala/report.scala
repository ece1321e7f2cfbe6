/** Where every row went. */
object Balance {
  private val gains = Seq("added_by_joins", "added_by_sql")
  private val losses = Seq("filtered", "deduplicated", "removed_by_joins", "removed_by_sql", "quarantined_rows")
  private val patience = 30.seconds

  /** The report's names for the rows that steps add and remove. */
  val Kinds: Seq[String] = gains ++ losses.filter(_ != "quarantined_rows")

  /** The frame, and its number of rows once a query has read it: no extra query. */
  def observe(frame: DataFrame): (DataFrame, () => Long) = {
    val rows = Observation()
    (frame.observe(rows, count(lit(1)).as("rows")), () => observed(rows)("rows").asInstanceOf[Long])
  }

  /** What a finished query observed. Throws JobError if the query did not read the observed frame: Spark itself would
    * wait forever.
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

  /** The effect of each step on the rows, and the sums by kind.
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

  /** Throw JobError unless the rows that came in equal the rows that went out:
    *
    * rows_in + added_by_joins + added_by_sql
    *   = rows_out + filtered + deduplicated + removed_by_joins + removed_by_sql + quarantined_rows
    *
    * The terms are measured independently: rows_in where the source is read, rows_out in the written files,
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

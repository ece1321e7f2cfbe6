/** How many of a column's non-null values did not fit the type and became null. examples holds some of them. */
final case class CastNulls(
    step: String,
    column: String,
    type_ : String,
    values: Long,
    nulls: Long,
    examples: Seq[String]
) {
  def share: Double = if (values == 0) 0 else nulls.toDouble / values

  /** One line of text: with a field per column, the reports of all jobs could not be one table. */
  def record: Json.Fields = ListMap("column" -> column, "type" -> type_, "values" -> values, "nulls" -> nulls)

  override def toString: String = {
    val (shown, tenths) = (examples.map(value => s"'$value'").mkString(" and "), (2000 * nulls + values) / (2 * values))
    s"$step: $nulls of $values values of $column (${tenths / 10}.${tenths % 10} %) are not ${type_} and became null, " +
      s"such as $shown. Fix them before the cast, or cast with on_error: quarantine"
  }
}

/** Values that casts turned into null: counted by the query that writes the rows, and put in the report. */
object CastNulls {
  val WarnOver = 0.01

  def warnOver(spec: Options): Double =
    spec.nested("cast_nulls").get("warn_over").collect { case share: Number => share.doubleValue }.getOrElse(WarnOver)

  /** The counts for each column that a step casts, unless its misfits fail the run or go to quarantine. */
  def apply(steps: Seq[Applied]): Seq[CastNulls] = for {
    (step, index) <- steps.zipWithIndex
    counted <- step.casts
    found <- of(s"step ${index + 1} (${step.name})", counted)
  } yield found

  /** The report's part: each column's counts, and a warning where the share is over the limit. */
  def summary(found: Seq[CastNulls], warnOver: Double): Json.Fields = {
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

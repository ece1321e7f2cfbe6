/** A rule of the specification about the rows that go to the sink. Its text is in Glue's Data Quality Definition
  * Language.
  */
final case class Rule(fields: Json.Fields) {
  private val settings = Options(fields).check(Seq("rule", "kind", "columns", "fails"), Rule.Settings)
  val (text, kind, columns) = (settings.text("rule"), settings.text("kind"), settings.texts("columns"))
  val otherwise: String = settings.text("otherwise", "fail")
  val fails: String = settings.text("fails") // SQL: true for a row that fails, null for a row that is not judged
  val Seq(needs, where, pattern) = Seq("needs", "where", "pattern").map(settings.get(_).map(_.toString))
  val atLeast: BigDecimal = decimal("at_least").map(BigDecimal(_)).getOrElse(BigDecimal(1)) // 0.55 of 100 is 55
  if (!Rule.Kinds.contains(kind)) throw Errors.unknown("kind of rule", kind, Rule.Kinds)

  def keys: List[String] = settings.texts("keys")
  def dataset: String = settings.text("dataset")
  def decimal(name: String): Option[Double] = settings.get(name).map { case number: Number => number.doubleValue }
}

object Rule {
  private val Kinds = Seq("complete", "unique", "in", "between", "matches", "rows", "fresh", "refers")
  private val Settings = Seq("needs", "otherwise", "where", "at_least", "least", "most", "pattern", "dataset", "keys")
}

/** The outcome of a rule. share: passing rows among the judged ones; rows has none. examples: failing values. */
final case class Verdict(rule: Rule, holds: Boolean, judged: Long, failed: Option[Long], examples: Seq[String]) {
  private val share = failed.map(failed => if (judged == 0) 1.0 else (judged - failed).toDouble / judged)

  override def toString: String = failed.fold(s"${rule.text}: there are $judged rows") { failed =>
    val such = if (examples.isEmpty) "" else examples.mkString(", such as '", "' and '", "'")
    s"${rule.text}: $failed of $judged rows fail$such"
  }

  /** The outcome in the words of Glue Data Quality. */
  def outcome: String = if (holds) "Passed" else "Failed"

  /** The verdict without its examples: values of the data must not get into reports and results. */
  def record: Json.Fields = ListMap(
    "rule" -> rule.text,
    "column_name" -> rule.columns.mkString(", "),
    "otherwise" -> rule.otherwise,
    "outcome" -> outcome,
    "judged" -> judged,
    "failed" -> failed,
    "share" -> share
  )
}

/** Rows on their way to the sink. The verdicts are known once a query has read `rows`.
  *
  * rejected: the rows that rules removed (source_file, raw, reason), and their number; None if no rule removes rows.
  */
final case class Judged(rows: DataFrame, rejected: Option[(DataFrame, () => Long)], stages: Seq[() => Seq[Verdict]]) {
  def verdicts: Seq[Verdict] = stages.flatMap(_())

  /** How many rows the rules removed. */
  def rejects: Long = rejected.fold(0L)(_._2())

  def keepRejects(quarantine: Quarantine, dataset: String): Long =
    rejected.collect { case (bad, number) if number() > 0 => quarantine.keepRows(dataset, "expect", bad) }.getOrElse(0L)
}

/** The expectations of the rows that go to the sink, evaluated by the query that writes them, without an extra pass.
  *
  * Rules that remove rows (`quarantine`) judge all rows that leave the steps; the others judge the rows that remain.
  */
object Expectations {
  private val There = s"${Names.Own}there" // this and the next are columns that a rule's SQL may use
  private val Now = s"${Names.Own}now"
  private val Shown = 40 // characters of a value in a message
  private type Datasets = String => DataFrame

  /** Attach the rules to the frame. dataset reads another dataset by name; now is the time freshness refers to. */
  def judge(frame: DataFrame, rules: Seq[Rule], dataset: Datasets, now: OffsetDateTime): Judged = {
    val (sifting, others) = rules.partition(_.otherwise == "quarantine")
    val (kept, rejected, first) = if (sifting.isEmpty) (frame, None, None) else sifted(frame, sifting, dataset, now)
    if (others.isEmpty) Judged(kept, rejected, first.toSeq)
    else {
      val counts = Observation()
      val metrics = counted(others)
      val judged = flagged(kept, others, dataset, now).observe(counts, metrics.head, metrics.tail: _*)
      Judged(judged.select(columns(frame): _*), rejected, first.toSeq :+ (() => verdicts(others, counts)))
    }
  }

  /** Throw JobError for the rules that fail the run, with their counts and examples. */
  def check(verdicts: Seq[Verdict]): Unit = {
    val broken = verdicts.filter(verdict => !verdict.holds && verdict.rule.otherwise == "fail")
    if (broken.nonEmpty) throw new JobError(s"expectations not met, and nothing published: ${broken.mkString("; ")}")
  }

  private def sifted(frame: DataFrame, rules: Seq[Rule], dataset: Datasets, now: OffsetDateTime) = {
    val (counts, bad) = (Observation(), reason(rules).isNotNull)
    val observed = flagged(frame, rules, dataset, now).observe(counts, count_if(bad).as("rejected"), counted(rules): _*)
    val rejected = Cast.setAside(frame, reason(rules), flagged(_, rules, dataset, now))
    val number = () => Balance.observed(counts)("rejected").asInstanceOf[Long]
    (observed.where(!bad).select(columns(frame): _*), Some((rejected, number)), Some(() => verdicts(rules, counts)))
  }

  /** The frame with a column per rule: whether the row fails it; null if it is not judged. */
  private def flagged(frame: DataFrame, rules: Seq[Rule], dataset: Datasets, now: OffsetDateTime): DataFrame =
    rules.zipWithIndex.foldLeft(frame) { case (data, (rule, place)) =>
      try withFlag(data, place, rule, dataset, now)
      catch {
        case error: JobError => throw new JobError(s"expect ${rule.text}: ${error.getMessage}")
        case error: AnalysisException =>
          throw new JobError(s"expect ${rule.text}: ${Steps.explained(error, frame).getMessage}")
      }
    }

  private def withFlag(frame: DataFrame, place: Int, rule: Rule, dataset: Datasets, now: OffsetDateTime) = {
    Errors.checkColumns(frame, rule.columns, "the data that goes to the sink")
    checkType(frame, rule)
    rule.pattern.foreach(checkPattern)
    if (rule.kind == "unique") Names.checkComparable(frame, rule.columns, "unique")
    val known = if (rule.kind == "refers") referred(frame, rule, dataset) else frame
    val data = if (rule.kind == "fresh") known.withColumn(Now, lit(java.sql.Timestamp.from(now.toInstant))) else known
    val fails = expr(rule.fails)
    data.withColumn(flag(place), rule.where.fold(fails)(where => when(expr(where), fails))).drop(There, Now)
  }

  /** The frame with There: true if the other dataset has the row's key. */
  private def referred(frame: DataFrame, rule: Rule, dataset: Datasets): DataFrame = {
    val (other, keys) = (dataset(rule.dataset), ListMap(rule.columns.zip(rule.keys): _*))
    Errors.checkColumns(other, rule.keys, s"dataset ${rule.dataset}")
    Names.checkComparable(other, rule.keys, s"dataset ${rule.dataset}")
    val known = other.select(rule.keys.map(Names.column): _*).distinct().withColumn(There, lit(true))
    def wayOut(here: String, ours: String, there: String, theirs: String) = s"Add a step, map: {cast: {$here: $theirs}}"
    val joined = Join.pair(frame, known, rule.dataset, keys, "left", ListMap(There -> There), wayOut)
    // The comparison may have widened the key's type.
    val same = frame.schema.map(field => Names.column(field.name).cast(field.dataType).as(field.name))
    joined.select(same :+ col(There): _*)
  }

  /** Throw JobError for a pattern that Java cannot compile. */
  private def checkPattern(pattern: String): Unit =
    try java.util.regex.Pattern.compile(pattern)
    catch {
      case error: java.util.regex.PatternSyntaxException =>
        throw new JobError(s"Java cannot read the pattern: ${error.getMessage.split("\n").head}")
    }

  /** Throw JobError if the rule needs another type than its column has. */
  private def checkType(frame: DataFrame, rule: Rule): Unit =
    for (needs <- rule.needs; field <- frame.schema.find(_.name.equalsIgnoreCase(rule.columns.head)))
      if (!isOf(field.dataType, needs))
        throw new JobError(s"column ${rule.columns.head} is ${field.dataType.simpleString}, and the rule needs $needs")

  private def isOf(type_ : DataType, needs: String): Boolean = needs match {
    case "string" => type_ == StringType
    case "numeric" => type_.isInstanceOf[NumericType]
    case "date or timestamp or timestampntz" => Seq(DateType, TimestampType, TimestampNTZType).contains(type_)
  }

  private def counted(rules: Seq[Rule]): Seq[Column] = count(lit(1)).as("rows") +: rules.zipWithIndex.flatMap {
    case (rule, place) =>
      val failed = col(flag(place))
      val shown = substring(concat_ws(", ", rule.columns.map(Names.column(_).cast("string")): _*), 1, Shown)
      val failing = when(failed && shown =!= "", shown)
      val numbers = Seq(count(failed).as(s"judged $place"), count_if(failed).as(s"failed $place"))
      numbers ++ Seq(min(failing).as(s"least $place"), max(failing).as(s"most $place"))
  }

  private def verdicts(rules: Seq[Rule], observation: Observation): Seq[Verdict] = {
    val counts = Balance.observed(observation)
    def number(name: String) = counts(name).asInstanceOf[Long]
    rules.zipWithIndex.map { case (rule, place) =>
      val (judged, failed) = (number(s"judged $place"), number(s"failed $place"))
      if (rule.kind == "rows") {
        val holds = rule.decimal("least").forall(judged >= _) && rule.decimal("most").forall(judged <= _)
        Verdict(rule, holds, judged, None, Nil)
      } else {
        val examples = Seq("least", "most").flatMap(name => Option(counts(s"$name $place"))).map(_.toString)
        Verdict(rule, BigDecimal(judged - failed) >= rule.atLeast * judged, judged, Some(failed), examples.distinct.sorted)
      }
    }
  }

  /** The rules that a row fails; null if it fails none. */
  private def reason(rules: Seq[Rule]): Column = {
    val failed = rules.zipWithIndex.map { case (rule, place) => when(col(flag(place)), lit(rule.text)) }
    nullif(concat_ws("; ", failed: _*), lit(""))
  }

  private def columns(frame: DataFrame): Seq[Column] = frame.columns.toSeq.map(Names.column)

  private def flag(place: Int): String = s"${Names.Own}fails_$place"
}

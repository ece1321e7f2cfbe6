/** Casts that may turn values into null: the type of each column, and what counts these nulls once a query reads the
  * rows. prefix precedes the column names in a report: the name of another dataset.
  */
final case class Counted(types: Cast.Types, counts: Observation, prefix: String = "")

/** Casts columns, and handles rows with a value that does not fit its new type. */
object Cast {
  type Types = ListMap[String, String] // of each column

  private val OnError = Seq("null", "quarantine", "fail")
  private val Shown = 40 // characters of a value in a message
  private val SourceFile = s"${Names.Own}source_file"

  /** Options of to_json, which would truncate a timestamp to milliseconds. */
  val Exact: Map[String, String] = Map(
    "timestampFormat" -> "yyyy-MM-dd'T'HH:mm:ss.SSSSSSXXX",
    "timestampNTZFormat" -> "yyyy-MM-dd'T'HH:mm:ss.SSSSSS"
  )

  /** The frame with columns cast; dataset names it unless it is the job's data. onError decides about a value that does
    * not fit, itself or within an array, a map or a struct: it becomes null, and `counted` gets what counts it; its row
    * is removed; or reading the row fails.
    */
  def apply(
      frame: DataFrame,
      types: Types,
      onError: String,
      counted: Counted => Unit,
      dataset: String = ""
  ): DataFrame = {
    if (!OnError.contains(onError)) throw Errors.unknown("on_error", onError, OnError)
    Errors.checkColumns(frame, types.keys, if (dataset.isEmpty) "the data" else s"dataset $dataset")
    for ((name, type_) <- types) newType(frame, name, type_)
    if (onError == "null") orNull(frame, types, counted, if (dataset.isEmpty) "" else s"$dataset.")
    else {
      val good = if (onError == "quarantine") frame.where(reason(frame, types).isNull) else frame
      good.withColumns(types.map { case (name, type_) =>
        val value = tried(name, type_)
        val failing = when(misfit(frame, name, type_), Errors.failure(reason(frame, types))).otherwise(value)
        name -> (if (onError == "fail") failing else value)
      })
    }
  }

  /** Casts each value once: the counts compare it before and after, side by side. */
  private def orNull(frame: DataFrame, types: Types, counted: Counted => Unit, prefix: String): DataFrame = {
    val news = ListMap(types.keys.toSeq.zipWithIndex.map { case (name, place) => name -> s"${Names.Own}cast_$place" }: _*)
    val risky = types.filterNot { case (name, type_) => alwaysFits(frame, name, type_) }
    val both = frame.withColumns(types.map { case (name, type_) => news(name) -> tried(name, type_) })
    val seen = if (risky.isEmpty) both
    else {
      val (counts, metrics) = (Observation(), risky.keys.toSeq.flatMap(name => this.metrics(both, name, news(name))))
      counted(Counted(risky, counts, prefix))
      both.observe(counts, metrics.head, metrics.tail: _*)
    }
    seen.withColumns(news.map { case (name, added) => name -> col(added) }).drop(news.values.toSeq: _*)
  }

  private def alwaysFits(frame: DataFrame, name: String, type_ : String): Boolean =
    type_ == "string" || type_ == Names.typeOf(frame, name).catalogString

  private def metrics(both: DataFrame, name: String, added: String): Seq[Column] = {
    def typed(name: String) = (Names.quoted(name), Names.typeOf(both, name))
    val old = Names.column(name)
    val shown = when(lost(typed(name), typed(added)), substring(old.cast(StringType), 1, Shown))
    Seq(
      count(old).as(s"values $name"),
      count(shown).as(s"nulls $name"),
      min(shown).as(s"least $name"),
      max(shown).as(s"most $name")
    )
  }

  /** The rows with a value that does not fit: source_file (if known), raw (the row as JSON), reason. */
  def misfits(frame: DataFrame, types: Types): DataFrame = setAside(frame, reason(frame, types))

  /** The rows that have a reason: source_file (if known), raw (the row as JSON), reason; prepared adds the columns
    * that the reason needs.
    */
  def setAside(frame: DataFrame, reason: Column, prepared: DataFrame => DataFrame = identity): DataFrame = {
    val bad = prepared(withFile(frame)).where(reason.isNotNull)
    val raw = to_json(struct(frame.columns.map(name => Names.column(name)): _*), Exact)
    bad.select(col(SourceFile).as("source_file"), raw.as("raw"), reason.as("reason"))
  }

  /** Adds the file. Spark knows a row's file only until the row is joined with another dataset. */
  private def withFile(frame: DataFrame): DataFrame =
    try frame.withColumn(SourceFile, expr("nullif(input_file_name(), '')"))
    catch { case _: AnalysisException => frame.withColumn(SourceFile, lit(null).cast("string")) }

  private def tried(name: String, type_ : String): Column = expr(attempt(name, type_))

  private def attempt(name: String, type_ : String): String = s"try_cast(${Names.quoted(name)} AS $type_)"

  private def misfit(frame: DataFrame, name: String, type_ : String): Column =
    lost((Names.quoted(name), Names.typeOf(frame, name)), (attempt(name, type_), newType(frame, name, type_)))

  private def newType(frame: DataFrame, name: String, type_ : String): DataType =
    try frame.select(tried(name, type_)).schema.head.dataType
    catch {
      case _: AnalysisException =>
        val there = Names.typeOf(frame, name).catalogString
        throw new JobError(s"column $name is $there, which cannot be cast to ${type_}")
    }

  /** Whether a cast turned something in a value into null, at any level. Both are SQL and type. */
  private def lost(before: (String, DataType), after: (String, DataType)): Column = {
    def nulls(value: String, type_ : DataType) = Leaves.count(value, type_, (leaf, _) => s"$leaf IS NULL")
    val (old, added) = (Leaves.shared(before._2, after._2), Leaves.shared(after._2, before._2))
    expr(s"${nulls(after._1, added)} > ${nulls(before._1, old)}")
  }

  /** Why a row does not fit, by its first column that does not; null if it fits. */
  private def reason(frame: DataFrame, types: Types): Column = {
    val reasons = types.toSeq.map { case (name, type_) =>
      val shown = concat(lit(s"column $name: '"), Names.column(name).cast("string"), lit(s"' is not $type_"))
      when(misfit(frame, name, type_), shown)
    }
    coalesce(reasons :+ lit(null).cast("string"): _*)
  }
}

/** Casts that may make null of a value: the type of each column, and what counts these nulls once a query reads the
  * rows. prefix is what a report has before the columns' names: that of another dataset.
  */
final case class Counted(types: Cast.Types, counts: Observation, prefix: String = "")

/** Casting columns, and what becomes of the rows with a value that does not fit its new type. */
object Cast {
  type Types = ListMap[String, String] // of each column

  private val OnError = Seq("null", "quarantine", "fail")
  private val Shown = 40 // characters of a value in a message

  /** The frame, of a dataset where it is not the data itself, with columns cast. For a value that does not fit, onError
    * says: it becomes null, and `counted` is given what counts it; its row is left out; or reading the row fails.
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
    if (onError == "null") orNull(frame, types, counted, if (dataset.isEmpty) "" else s"$dataset.")
    else {
      val good = if (onError == "quarantine") frame.where(reason(types).isNull) else frame
      good.withColumns(types.map { case (name, type_) =>
        val value = tried(name, type_)
        val failing = when(misfit(name, type_), Errors.failure(reason(types))).otherwise(value)
        name -> (if (onError == "fail") failing else value)
      })
    }
  }

  /** Each value is cast once: what counts the nulls sees it before and after, side by side. */
  private def orNull(frame: DataFrame, types: Types, counted: Counted => Unit, prefix: String): DataFrame = {
    val news = ListMap(types.keys.toSeq.zipWithIndex.map { case (name, place) => name -> s"_lake_cast_$place" }: _*)
    val risky = types.filterNot { case (name, type_) => alwaysFits(frame, name, type_) }
    val both = frame.withColumns(types.map { case (name, type_) => news(name) -> tried(name, type_) })
    val seen = if (risky.isEmpty) both
    else {
      val (counts, metrics) = (Observation(), risky.keys.toSeq.flatMap(name => this.metrics(name, news(name))))
      counted(Counted(risky, counts, prefix))
      both.observe(counts, metrics.head, metrics.tail: _*)
    }
    seen.withColumns(news.map { case (name, added) => name -> col(added) }).drop(news.values.toSeq: _*)
  }

  private def alwaysFits(frame: DataFrame, name: String, type_ : String): Boolean = {
    val there = frame.schema.find(_.name.equalsIgnoreCase(name)).map(_.dataType.simpleString)
    type_ == "string" || there.contains(type_)
  }

  private def metrics(name: String, added: String): Seq[Column] = {
    val old = Names.column(name)
    val lost = when(old.isNotNull && col(added).isNull, substring(old.cast(StringType), 1, Shown))
    Seq(
      count(old).as(s"values $name"),
      count(lost).as(s"nulls $name"),
      min(lost).as(s"least $name"),
      max(lost).as(s"most $name")
    )
  }

  /** The rows with a value that does not fit: source_file (where it is known), raw (the row as JSON), reason. */
  def misfits(frame: DataFrame, types: Types): DataFrame = setAside(frame, reason(types))

  /** The rows for which there is a reason: source_file (where it is known), raw (the row as JSON), reason; prepared
    * adds the columns that the reason needs.
    */
  def setAside(frame: DataFrame, reason: Column, prepared: DataFrame => DataFrame = identity): DataFrame = {
    val bad = prepared(withFile(frame)).where(reason.isNotNull)
    val raw = to_json(struct(frame.columns.map(name => Names.column(name)): _*))
    bad.select(col("source_file"), raw.as("raw"), reason.as("reason"))
  }

  /** Spark knows a row's file only until the row met those of another dataset. */
  private def withFile(frame: DataFrame): DataFrame =
    try frame.withColumn("source_file", expr("nullif(input_file_name(), '')"))
    catch { case _: AnalysisException => frame.withColumn("source_file", lit(null).cast("string")) }

  private def tried(name: String, type_ : String): Column = expr(s"try_cast(${Names.quoted(name)} AS $type_)")

  private def misfit(name: String, type_ : String): Column = Names.column(name).isNotNull && tried(name, type_).isNull

  /** What is wrong with a row, by its first column that does not fit; null for a row that is well. */
  private def reason(types: Types): Column = {
    val said = types.toSeq.map { case (name, type_) =>
      val shown = concat(lit(s"column $name: '"), Names.column(name).cast("string"), lit(s"' is not $type_"))
      when(misfit(name, type_), shown)
    }
    coalesce(said :+ lit(null).cast("string"): _*)
  }
}

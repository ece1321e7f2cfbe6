/** An applied step: its number of output rows, known once a query has read them, and the rows it rejects. */
final case class Applied(
    name: String,
    transform: Transform,
    count: Option[() => Long],
    rejects: Option[DataFrame],
    casts: Seq[Counted] = Nil
) {

  /** The report's name for this change of the number of rows. */
  def kind(change: Long): String = if (change > 0) transform.adds else transform.removes
}

/** Applies a job's steps in order, and counts the rows after each. */
object Steps {

  /** Apply steps such as {"filter": "distance > 0"}; dataset reads another dataset by name.
    *
    * shuffles: whether all rows go through a shuffle before a step that joins, so that all of them are read.
    */
  def apply(
      frame: DataFrame,
      steps: Seq[Json.Fields],
      dataset: String => DataFrame,
      shuffles: Boolean = false
  ): (DataFrame, Seq[Applied]) = {
    Names.checkOwn(frame)
    def other(name: String): DataFrame = {
      val found = dataset(name)
      Names.checkOwn(found, s"dataset $name")
      found
    }
    steps.zipWithIndex.foldLeft((frame, Seq.empty[Applied])) { case ((data, applied), (step, index)) =>
      val (name, options) = step.head
      val casts = mutable.ArrayBuffer.empty[Counted]
      val transform = Transform.All(name)
      val ready = if (shuffles && transform.adds.nonEmpty) shuffled(data) else data
      val (changed, rejects) = try one(name, options, ready, other, casts += _)
      catch { case error: JobError => throw new JobError(s"step ${index + 1} ($name): ${error.getMessage}") }
      if (transform.keepsRows(options)) (changed, applied :+ Applied(name, transform, None, rejects, casts.toSeq))
      else {
        val (counted, rows) = Balance.observe(changed)
        (counted, applied :+ Applied(name, transform, Some(rows), rejects, casts.toSeq))
      }
    }
  }

  /** Spark moves a semi join below a shuffle, but not below a count of rows. */
  private def shuffled(frame: DataFrame): DataFrame =
    Balance.observe(frame.repartition(frame.sparkSession.sessionState.conf.numShufflePartitions))._1

  /** The number of rows after each step, for this many input rows. A query must have read them. */
  def rowsAfter(rows: Long, steps: Seq[Applied]): Seq[Long] =
    steps.scanLeft(rows) { case (before, step) => step.count.fold(before)(_()) }.tail

  /** Write the rows that the steps rejected, and return their number. A step that rejected none is not run again. */
  def keepRejects(quarantine: Quarantine, source: Source, steps: Seq[Applied]): Long = {
    val after = rowsAfter(source.good, steps)
    val moves = steps.zip((source.good +: after).zip(after)).zipWithIndex
    val lossy = moves.collect { case ((step, (came, left)), index) if left < came => (index + 1, step) }
    lossy.flatMap { case (number, step) =>
      step.rejects.map(quarantine.keepRows(source.dataset, s"step $number (${step.name})", _))
    }.sum
  }

  /** Whether a step may have left rows unread: Spark's join ends at once where no row can find a partner. */
  def leaveUnread(steps: Seq[Applied], after: Seq[Long], partners: Seq[Source]): Boolean =
    steps.zip(after).exists { case (step, rows) => step.transform.adds.nonEmpty && rows == 0 } && partners.exists(_.good == 0)

  def check(steps: Seq[Json.Fields]): Unit = for ((step, index) <- steps.zipWithIndex) {
    if (step.size != 1)
      throw new JobError(s"step ${index + 1}: ${Json.write(step)} has to be one step with its options")
    if (!Transform.All.contains(step.head._1))
      throw Errors.unknown(s"step ${index + 1}:", step.head._1, Transform.All.keys)
  }

  private def one(
      name: String,
      options: Any,
      frame: DataFrame,
      dataset: String => DataFrame,
      casts: Counted => Unit
  ) = {
    val transform = Transform.All(name)
    val (changed, rejects) =
      try { (transform.counting(frame, options, dataset, casts), transform.rejects(frame, options)) }
      catch { case error: AnalysisException => throw explained(error, frame) }
    if (changed.columns.isEmpty) throw new JobError("it removes all columns of the data. Leave at least one")
    Names.checkOwn(changed)
    (changed, rejects)
  }

  /** Spark's objection to an expression over the frame, in one line. */
  def explained(error: AnalysisException, frame: DataFrame): JobError =
    if (Option(error.getErrorClass).exists(_.startsWith("UNRESOLVED_COLUMN"))) {
      val name = error.getMessageParameters.get("objectName").replace("`", "")
      if (frame.columns.exists(_.equalsIgnoreCase(name)))
        new JobError(s"column '$name' needs backquotes in SQL: ${Names.quoted(name)}")
      else Errors.missingColumn(name, frame.columns)
    } else new JobError(error.getMessage.trim.split("\n").head)
}

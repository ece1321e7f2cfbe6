/** Join with another dataset. Options and result are those of lake_etl/transforms/join.py. */
object Join extends Casting(removes = "removed_by_joins", adds = "added_by_joins") {
  type WayOut = (String, String, String, String) => String // (key here, its type, key there, its type) -> advice
  type Keys = ListMap[String, String] // a column of one side -> the column of the other

  private val How = Seq("inner", "left", "right", "full", "semi", "anti")
  // Each type -> the types that hold every value of it.
  private val Wider: Map[DataType, Seq[DataType]] = Map(
    ByteType -> Seq(ShortType, IntegerType, LongType, FloatType, DoubleType),
    ShortType -> Seq(IntegerType, LongType, FloatType, DoubleType),
    IntegerType -> Seq(LongType, DoubleType),
    FloatType -> Seq(DoubleType)
  )

  override def counting(
      frame: DataFrame,
      given: Any,
      dataset: String => DataFrame,
      casts: Counted => Unit
  ): DataFrame = {
    val wanted = options(given).check(Seq("with", "on"), Seq("how", "take", "cast_right"))
    val (name, on, how) = (wanted.text("with"), keys(wanted.get("on")), wanted.text("how", "inner"))
    if (!How.contains(how)) throw Errors.unknown("join type", how, How)
    val right = Cast(dataset(name), wanted.named("cast_right"), "null", casts, name)
    Errors.checkColumns(frame, on.keys)
    Errors.checkColumns(right, on.values, s"dataset $name")
    val taken = if (how == "semi" || how == "anti") ListMap.empty[String, String]
    else names(frame, right, name, on, wanted.get("take"))
    Errors.checkColumns(right, taken.keys, s"dataset $name")
    pair(frame, right, name, on, how, taken, wayOut)
  }

  /** The frame joined with dataset `name`: its columns, then the added ones (column there -> new name). */
  def pair(
      frame: DataFrame,
      right: DataFrame,
      name: String,
      on: Keys,
      how: String,
      taken: Keys,
      wayOut: WayOut
  ): DataFrame = {
    val chosen = on.toSeq.map { case (here, there) => Names.column(there).as(here) } ++
      taken.toSeq.map { case (column, as) => Names.column(column).as(as) }
    val (one, other) = sameKeyTypes(frame, right.select(chosen: _*), name, on, wayOut)
    one.join(smallToAll(other), on.keys.toSeq, how).select((frame.columns ++ taken.values).map(Names.column): _*)
  }

  /** Marks a small frame for a broadcast, by Spark's own limit: it spares the other side a shuffle.
    *
    * Spark itself takes a dataset with partition keys for a large one: they come from a join, whose size it estimates
    * as the product of its sides.
    */
  private def smallToAll(frame: DataFrame): DataFrame = {
    val limit = frame.sparkSession.sessionState.conf.autoBroadcastJoinThreshold
    val size = estimate(frame.queryExecution.optimizedPlan, frame.schema.defaultSize)
    if (size <= limit) broadcast(frame) else frame
  }

  /** Bytes of the files that a plan of Spark reads, or rather of the share that its columns have of a row of theirs.
    *
    * What is broadcast within it, such as the partition keys, is small.
    */
  private def estimate(plan: LogicalPlan, width: Int): Double = plan match {
    case SparkJoin(left, _, _, _, JoinHint(_, Some(_))) => estimate(left, width)
    case leaf if leaf.children.isEmpty =>
      leaf.stats.sizeInBytes.toDouble * math.min(1.0, width.toDouble / math.max(1, leaf.schema.defaultSize))
    case inner => inner.children.map(estimate(_, width)).sum
  }

  def keys(on: Option[Any]): Keys = on match {
    case Some(pairs: ListMap[_, _]) => pairs.asInstanceOf[Keys]
    case given => ListMap(oneOrMany(given.orNull).map(key => key -> key): _*)
  }

  private def names(frame: DataFrame, right: DataFrame, name: String, on: Keys, take: Option[Any]): Keys = {
    def free(column: String) = if (frame.columns.exists(_.equalsIgnoreCase(column))) s"${name}_$column" else column
    def others = right.columns.toList.filterNot(column => on.values.exists(_.equalsIgnoreCase(column)))
    val taken = take match {
      case Some(mapping: ListMap[_, _]) => mapping.asInstanceOf[Keys]
      case listed => ListMap(listed.fold(others)(oneOrMany).map(column => column -> free(column)): _*)
    }
    checkFree(frame, name, taken)
    taken
  }

  private def checkFree(frame: DataFrame, name: String, taken: Keys): Unit = {
    val present = mutable.Set(frame.columns.map(_.toLowerCase): _*)
    for ((column, as) <- taken if !present.add(as.toLowerCase))
      throw new JobError(
        s"take: $name.$column cannot be named '$as', the data has that column already. " +
          s"Choose another name: take: {$column: NAME}"
      )
  }

  private def sameKeyTypes(left: DataFrame, right: DataFrame, name: String, on: Keys, wayOut: WayOut) = {
    Names.checkComparable(left, on.keys, "join keys")
    on.foldLeft((left, right)) { case ((one, other), (here, there)) =>
      val (ours, theirs) = (Names.typeOf(one, here), Names.typeOf(other, here))
      val shown = (ours.catalogString, theirs.catalogString)
      val type_ = common(ours, theirs).getOrElse(throw new JobError(
        s"join keys differ in type: $here is ${shown._1} and $name.$there is ${shown._2}. " +
          s"They would not match. ${wayOut(here, shown._1, there, shown._2)}"
      ))
      def meeting(side: DataFrame) = side.withColumn(here, Names.column(here).cast(type_))
      (meeting(one), meeting(other))
    }
  }

  private def common(one: DataType, other: DataType): Option[DataType] =
    if (one == other || Wider.getOrElse(other, Nil).contains(one)) Some(one)
    else Some(other).filter(Wider.getOrElse(one, Nil).contains)

  private def wayOut(here: String, ours: String, there: String, theirs: String): String =
    s"Add a step before the join, map: {cast: {$here: $theirs}}, " +
      s"or cast the other side with cast_right: {$there: $ours}"
}

/** Join with another dataset. Options and result are those of lake_etl/transforms/join.py. */
object Join extends Transform(removes = "removed_by_joins", adds = "added_by_joins") {
  type Keys = ListMap[String, String] // a column of one side -> the column of the other

  private val How = Seq("inner", "left", "right", "full", "semi", "anti")
  // From each type the ones that hold every value of it.
  private val Wider: Map[DataType, Seq[DataType]] = Map(
    ByteType -> Seq(ShortType, IntegerType, LongType, FloatType, DoubleType),
    ShortType -> Seq(IntegerType, LongType, FloatType, DoubleType),
    IntegerType -> Seq(LongType, DoubleType),
    FloatType -> Seq(DoubleType)
  )

  def apply(frame: DataFrame, given: Any, dataset: String => DataFrame): DataFrame =
    counting(frame, given, dataset, _ => ())

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
    val chosen = on.map { case (here, there) => right(there).as(here) } ++
      taken.map { case (column, as) => right(column).as(as) }
    val (one, other) = sameKeyTypes(frame, right.select(chosen.toSeq: _*), name, on)
    one.join(other, on.keys.toSeq, how).select((frame.columns ++ taken.values).map(Names.column): _*)
  }

  def keys(on: Option[Any]): Keys = on match {
    case Some(pairs: ListMap[_, _]) => pairs.asInstanceOf[Keys]
    case given => ListMap(oneOrMany(given.orNull).map(key => key -> key): _*)
  }

  private def names(frame: DataFrame, right: DataFrame, name: String, on: Keys, take: Option[Any]): Keys = {
    def present(column: String) = frame.columns.exists(_.equalsIgnoreCase(column))
    def free(column: String) = if (present(column)) s"${name}_$column" else column
    take match {
      case Some(mapping: ListMap[_, _]) =>
        val given = mapping.asInstanceOf[Keys]
        for ((column, as) <- given.find { case (_, as) => present(as) })
          throw new JobError(s"take: $name.$column cannot be named '$as', the data has that column already")
        given
      case Some(columns: List[_]) if columns.nonEmpty => ListMap(oneOrMany(columns).map(name => name -> free(name)): _*)
      case _ =>
        val others = right.columns.filterNot(column => on.values.exists(_.equalsIgnoreCase(column)))
        ListMap(others.map(column => column -> free(column)): _*)
    }
  }

  private def sameKeyTypes(left: DataFrame, right: DataFrame, name: String, on: Keys) =
    on.foldLeft((left, right)) { case ((one, other), (here, there)) =>
      val (ours, theirs) = (typeOf(one, here), typeOf(other, here))
      val type_ = common(ours, theirs).getOrElse(throw mismatch(name, here, there, ours, theirs))
      (one.withColumn(here, one(here).cast(type_)), other.withColumn(here, other(here).cast(type_)))
    }

  private def typeOf(frame: DataFrame, name: String): DataType =
    frame.schema.find(_.name.equalsIgnoreCase(name)).get.dataType

  private def common(one: DataType, other: DataType): Option[DataType] =
    if (one == other || Wider.getOrElse(other, Nil).contains(one)) Some(one)
    else Some(other).filter(Wider.getOrElse(one, Nil).contains)

  private def mismatch(name: String, here: String, there: String, ours: DataType, theirs: DataType) = new JobError(
    s"join keys differ in type: $here is ${ours.simpleString} and $name.$there is ${theirs.simpleString}. " +
      s"They would not match. Add a step before the join, map: {cast: {$here: ${theirs.simpleString}}}, " +
      s"or cast the other side with cast_right: {$there: ${ours.simpleString}}"
  )
}

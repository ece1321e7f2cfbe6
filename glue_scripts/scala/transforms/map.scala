/** Change columns row by row. Options and result are those of lake_etl/transforms/map.py. */
object MapFields extends Transform {
  private val Known = Seq("cast", "on_error", "lookup", "add", "rename", "delete")
  private val OnMany = Seq("error", "first")
  private val Many = "_lake_other_value"

  def apply(frame: DataFrame, given: Any, dataset: String => DataFrame): DataFrame =
    counting(frame, given, dataset, _ => ())

  override def counting(
      frame: DataFrame,
      given: Any,
      dataset: String => DataFrame,
      casts: Counted => Unit
  ): DataFrame = {
    val wanted = options(given).check(Nil, Known)
    val cast = Cast(frame, wanted.named("cast"), wanted.text("on_error", "null"), casts)
    val looked = wanted.each("lookup").foldLeft(cast) { case (data, (column, lookup)) =>
      lookUp(data, column, lookup, dataset)
    }
    val added = wanted.fields("add").foldLeft(looked) { case (data, (column, value)) =>
      // Inside another expression Spark refuses those that make several rows of one, such as explode.
      data.withColumn(column, coalesce(described(value)))
    }
    val (renames, deleted) = (wanted.named("rename"), wanted.texts("delete"))
    Errors.checkColumns(added, renames.keys)
    val renamed = added.withColumnsRenamed(renames)
    Errors.checkColumns(renamed, deleted)
    renamed.drop(deleted: _*)
  }

  override def keepsRows(given: Any): Boolean =
    options(given).text("on_error") != "quarantine" && options(given).fields("lookup").isEmpty

  override def rejects(frame: DataFrame, given: Any): Option[DataFrame] = {
    val wanted = options(given)
    if (wanted.text("on_error") == "quarantine") Some(Cast.misfits(frame, wanted.named("cast"))) else None
  }

  private def lookUp(frame: DataFrame, column: String, lookup: Options, dataset: String => DataFrame): DataFrame = {
    lookup.check(Seq("from", "on", "take"), Seq("default", "on_many"))
    val onMany = lookup.text("on_many", "error")
    if (!OnMany.contains(onMany)) throw Errors.unknown(s"lookup $column: on_many", onMany, OnMany)
    val keys = Join.keys(lookup.get("on"))
    val join = ListMap(
      "with" -> lookup.text("from"),
      "on" -> keys,
      "how" -> "left",
      "take" -> ListMap(column -> column, Many -> Many)
    )
    val joined = Join(frame, join, name => oneAKey(dataset(name), name, keys.values.toSeq, lookup.text("take"), column))
    val value = coalesce(Names.column(column), default(joined, column, lookup.get("default")))
    val checked = if (onMany == "first") value
    else when(col(Many).isNotNull, Errors.failure(twoValues(column, lookup, keys.keys.toSeq))).otherwise(value)
    joined.withColumn(column, checked).drop(Many)
  }

  /** Of each key the smallest value, and the greatest if it is another. */
  private def oneAKey(other: DataFrame, name: String, keys: Seq[String], take: String, column: String): DataFrame = {
    Errors.checkColumns(other, keys :+ take, s"dataset $name")
    val (least, most) = (min(col(take)), max(col(take)))
    other.groupBy(keys.map(col): _*).agg(least.as(column), when(most =!= least, most).as(Many))
  }

  private def twoValues(column: String, lookup: Options, keys: Seq[String]): Column = {
    val said = s"lookup $column: dataset ${lookup.text("from")} has more than one ${lookup.text("take")} for "
    val shown = keys.map(key => concat(lit(s"$key '"), col(key).cast("string"), lit("'")))
    val values = concat_ws("' and '", Names.column(column).cast("string"), col(Many).cast("string"))
    val wayOut = "'. Make its keys unique, or set on_many: first"
    concat(lit(said), concat_ws(", ", shown: _*), lit(": '"), values, lit(wayOut))
  }

  /** The default in the column's own type: coalesce would give text and number a type of its own choice. */
  private def default(frame: DataFrame, column: String, given: Option[Any]): Column = {
    val type_ = frame.schema(column).dataType.catalogString
    for (value <- given) {
      val cast = frame.sparkSession.sql(s"SELECT try_cast(:default AS $type_)", Map("default" -> value)).head()
      val shown = value match { case text: String => s"'$text'"; case number => number.toString }
      if (cast.isNullAt(0))
        throw new JobError(s"lookup $column: the default $shown is not $type_, as the values looked up are")
    }
    lit(given.orNull).cast(type_)
  }
}

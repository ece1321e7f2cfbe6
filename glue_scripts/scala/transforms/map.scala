/** Change columns row by row. Options and result are those of lake_etl/transforms/map.py. */
object MapFields extends Casting {
  private val Known = Seq("cast", "on_error", "lookup", "add", "rename", "delete")
  private val OnMany = Seq("error", "first")
  private val Value = s"${Names.Own}value"
  private val Many = s"${Names.Own}other_value"
  private val Digits = "decimal(38,18)"

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
      // Inside another expression, Spark refuses generators of rows such as explode.
      data.withColumn(column, coalesce(described(value)))
    }
    val (renames, deleted) = (wanted.named("rename"), wanted.texts("delete"))
    val renamed = rename(added, renames)
    Errors.checkColumns(renamed, deleted)
    renamed.drop(deleted: _*)
  }

  override def keepsRows(given: Any): Boolean =
    options(given).text("on_error") != "quarantine" && options(given).fields("lookup").isEmpty

  override def rejects(frame: DataFrame, given: Any): Option[DataFrame] = {
    val wanted = options(given)
    if (wanted.text("on_error") == "quarantine") Some(Cast.misfits(frame, wanted.named("cast"))) else None
  }

  private def rename(frame: DataFrame, renames: ListMap[String, String]): DataFrame = {
    Errors.checkColumns(frame, renames.keys)
    val given = renames.map { case (old, name) => old.toLowerCase -> name }
    val names = frame.columns.map(name => given.getOrElse(name.toLowerCase, name))
    for ((old, name) <- frame.columns.zip(names) if old != name && names.count(_.equalsIgnoreCase(name)) > 1)
      throw new JobError(
        s"rename: $old cannot be named '$name', the data has that column already. " +
          "Rename that one too, or remove it in an earlier step"
      )
    frame.toDF(names: _*)
  }

  private def lookUp(frame: DataFrame, column: String, lookup: Options, dataset: String => DataFrame): DataFrame = {
    lookup.check(Seq("from", "on", "take"), Seq("default", "on_many"))
    val (name, keys, onMany) = (lookup.text("from"), Join.keys(lookup.get("on")), lookup.text("on_many", "error"))
    if (!OnMany.contains(onMany)) throw Errors.unknown(s"lookup $column: on_many", onMany, OnMany)
    if (frame.columns.exists(_.equalsIgnoreCase(column)))
      throw new JobError(
        s"lookup $column: the data has that column already. Choose another name, or remove it before"
      )
    Errors.checkColumns(frame, keys.keys)
    val taken = ListMap(Value -> Value, Many -> Many)
    val joined =
      try Join.pair(frame, oneAKey(dataset(name), lookup, keys.values.toSeq), name, keys, "left", taken, wayOut)
      catch { case error: JobError => throw new JobError(s"lookup $column: ${error.getMessage}") }
    val value = coalesce(col(Value), default(joined, column, lookup.get("default")))
    val checked = if (onMany == "first") value
    else when(col(Many).isNotNull, Errors.failure(twoValues(column, lookup, keys.keys.toSeq))).otherwise(value)
    joined.withColumn(column, checked).drop(Value, Many)
  }

  private def wayOut(here: String, ours: String, there: String, theirs: String): String =
    s"Cast the key, which a map step does before it looks up: cast: {$here: $theirs}"

  /** The smallest value of each key, and the greatest if it differs. */
  private def oneAKey(other: DataFrame, lookup: Options, keys: Seq[String]): DataFrame = {
    val (name, take) = (lookup.text("from"), lookup.text("take"))
    Errors.checkColumns(other, keys :+ take, s"dataset $name")
    Names.checkComparable(other, keys :+ take, s"dataset $name")
    val (least, most) = (min(Names.column(take)), max(Names.column(take)))
    val grouped = other.groupBy(keys.distinct.map(Names.column): _*)
    grouped.agg(least.as(Value), when(most =!= least, most).as(Many))
  }

  private def twoValues(column: String, lookup: Options, keys: Seq[String]): Column = {
    val prefix = s"lookup $column: dataset ${lookup.text("from")} has more than one ${lookup.text("take")} for "
    val shown = keys.map(key => concat(lit(s"$key '"), Names.column(key).cast("string"), lit("'")))
    val values = concat_ws("' and '", col(Value).cast("string"), col(Many).cast("string"))
    val wayOut = "'. Make its keys unique, or set on_many: first"
    concat(lit(prefix), concat_ws(", ", shown: _*), lit(": '"), values, lit(wayOut))
  }

  /** The default in the column's own type: coalesce would choose a type for text and number itself. */
  private def default(frame: DataFrame, column: String, given: Option[Any]): Column = {
    val type_ = Names.typeOf(frame, Value)
    for (value <- given if !fits(frame.sparkSession, value, type_)) {
      val shown = value match { case text: String => s"'$text'"; case other => other.toString }
      val of = type_.catalogString
      throw new JobError(s"lookup $column: the default $shown is not $of, as the values looked up are")
    }
    lit(given.orNull).cast(type_)
  }

  /** Whether the type holds the default exactly: no number is rounded, and no time of day is cut off. */
  private def fits(spark: SparkSession, default: Any, type_ : DataType): Boolean = {
    val value = s"try_cast(:default AS ${type_.catalogString})"
    val exact = type_ match { // numbers are compared by digits: a float 0.1 equals 0.1
      case _: NumericType => s" AND try_cast(CAST($value AS string) AS $Digits) <=> try_cast(:default AS $Digits)"
      case DateType => s" AND CAST($value AS timestamp) <=> try_cast(:default AS timestamp)"
      case _ => ""
    }
    def found = spark.sql(s"SELECT $value IS NOT NULL$exact", Map("default" -> default)).head().getBoolean(0)
    takes(type_, default) && found
  }

  private def takes(type_ : DataType, default: Any): Boolean = (default, type_) match {
    case (_: String, _: ArrayType | _: MapType | _: StructType) => false
    case (_: String, _) => true
    case (_: Boolean, other) => other == BooleanType
    case (_, other) => other == StringType || other.isInstanceOf[NumericType]
  }
}

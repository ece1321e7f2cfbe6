/** Adds a run's rows to a feature group: as files of its offline store, where Feature Store itself would write them. */
final class FeatureGroup(spark: SparkSession, catalog: Catalog, options: Options) {
  private val name = options.text("name")
  private val (identifier, time) = (options.text("identifier"), options.text("time"))
  private val features = options.named("features")
  private val kinds = features + (time -> "time")
  private val fractional = features.filter(_._2 == "fractional").keys.toSeq

  /** Add the rows of a run, before it is published. Throws JobError, before any is added, where a column or a row is
    * not as the group needs it.
    */
  def add(written: Written): Unit = {
    val database = options.text("database")
    val place = catalog.registered(database, name).getOrElse(
      Nil,
      throw new JobError(s"feature group $name: database $database has no table of it. ${FeatureGroup.Unpublished}. " +
        "Deploy it first: `lake up ml`")
    )
    if (written.files > 0) {
      val found = rows(written)
      checkTypes(found)
      checkRows(found)
      records(found).write.mode("append").partitionBy(FeatureGroup.Folders.keys.toSeq: _*).parquet(place.stripSuffix("/"))
    }
  }

  /** The rows as they were written, so that a step with chance in it gives no other ones. */
  private def rows(written: Written): DataFrame = {
    val schema = (written.columns ++ written.keys).map { case (column, type_) => s"`$column` $type_" }
    spark.read.schema(schema.mkString(", ")).parquet(written.location)
  }

  private def checkTypes(rows: DataFrame): Unit = {
    Errors.checkColumns(rows, kinds.keys, s"the data that goes to the feature group $name")
    val types = rows.schema.map(field => field.name.toLowerCase -> field.dataType.catalogString).toMap
    for ((column, kind) <- kinds; taken = FeatureGroup.Taken(kind) if !taken.contains(types(column))) {
      val what = if (kind == "time") "the time of the event" else kind
      throw new JobError(s"feature group $name: $column is ${types(column)}, and $what there. " +
        s"${FeatureGroup.Unpublished}. Allowed: ${taken.mkString(", ")}. Convert it in a map step, cast: {$column: TYPE}")
    }
  }

  private def checkRows(rows: DataFrame): Unit = {
    val keys = struct(Names.column(identifier), Names.column(time))
    val counts = problems.values.map(condition => count(when(condition, 1))).toSeq
    val found = rows.agg(count(lit(1)), countDistinct(keys) +: counts: _*).collect().head
    val (total, different) = (found.getLong(0), found.getLong(1))
    for ((what, index) <- problems.keys.zipWithIndex; wrong = found.getLong(index + 2) if wrong > 0)
      throw new JobError(s"feature group $name: $wrong of $total rows have $what. ${FeatureGroup.Unpublished}")
    if (different < total)
      throw new JobError(s"feature group $name: ${total - different} of $total rows have the $identifier and " +
        s"the $time of another row, and one record is known at a time. ${FeatureGroup.Unpublished}")
  }

  /** What is wrong with a row -> its condition. */
  private def problems: ListMap[String, Column] = {
    val (id, moment) = (Names.column(identifier), Names.column(time))
    val infinite = fractional.map { column =>
      val number = Names.column(column).cast("double")
      s"no finite number as $column" -> (isnan(number) || abs(number) === Double.PositiveInfinity)
    }
    ListMap(
      s"no $identifier, the identifier" -> (id.isNull || id.cast("string") === ""),
      s"no $time, the time of the event" -> moment.isNull,
      s"a $time finer than a millisecond" -> (date_trunc("millisecond", moment) =!= moment.cast("timestamp"))
    ) ++ infinite
  }

  /** The columns of the group's table, those that Feature Store adds, and the folders of the hour. */
  private def records(rows: DataFrame): DataFrame = {
    val (moment, now) = (Names.column(time), current_timestamp())
    val values = features.map { case (column, kind) => Names.column(column).cast(FeatureGroup.Stored(kind)).as(column) }
    val added = Seq(now.as("write_time"), now.as("api_invocation_time"), lit(false).as("is_deleted"))
    val folders = FeatureGroup.Folders.map { case (folder, pattern) => date_format(moment, pattern).as(folder) }
    val columns = (values.toSeq :+ date_format(moment, FeatureGroup.Moment).as(time)) ++ added ++ folders
    rows.select(columns: _*).repartition(FeatureGroup.Folders.keys.toSeq.map(Names.column): _*)
  }
}

object FeatureGroup {
  private val Unpublished = "Nothing is published"
  private val Moment = "yyyy-MM-dd'T'HH:mm:ss.SSS'Z'"
  private val Folders = ListMap("year" -> "yyyy", "month" -> "MM", "day" -> "dd", "hour" -> "HH")
  private val Stored = Map("string" -> "string", "integral" -> "bigint", "fractional" -> "double")

  /** The types of Spark that a feature takes, so that no value changes. */
  private val Taken = Map(
    "string" -> Seq("string"),
    "integral" -> Seq("tinyint", "smallint", "int", "bigint"),
    "fractional" -> Seq("float", "double", "tinyint", "smallint", "int"),
    "time" -> Seq("timestamp", "timestamp_ntz")
  )
}

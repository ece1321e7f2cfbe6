/** Values that a sink's file format cannot hold exactly. They fail the run: a wrong value would be worse. */
object Exact {
  // What reads back from ORC as another time: the Julian calendar lacks these ten days.
  private val LostInOrc = Seq(
    ("1582-10-05 to 1582-10-14", "1582-10-05 00:00:00", "1582-10-15 00:00:00"),
    ("the last second before 1970", "1969-12-31 23:59:59.001", "1970-01-01 00:00:00")
  )

  /** The frame as the format's files hold it, partitioned by the keys. A row that they cannot hold fails the job.
    *
    * Throws JobError for a column whose type they cannot hold.
    */
  def held(frame: DataFrame, format: String, keys: Seq[String]): DataFrame = {
    val changed = frame.schema.flatMap { field =>
      (if (keys.exists(_.equalsIgnoreCase(field.name))) key(field) else value(field, format)).map(field.name -> _)
    }
    if (changed.isEmpty) frame else frame.withColumns(ListMap(changed: _*))
  }

  /** A text that is unique to the partition; None for a key that needs no change. */
  private def key(field: StructField): Option[Column] = field.dataType match {
    case StringType =>
      val (text, place) = (Names.column(field.name), s"sink partition_by: column ${field.name} has the text '")
      val wayOut = "', whose folder is the one of null. Make it null or another text in a map step"
      val failed = Errors.failure(concat(lit(place), text, lit(wayOut)))
      Some(when(text.isin("", Partitions.NoValue), failed).otherwise(text))
    case _: NumericType | BooleanType => None
    case time if onADay(time) => None
    case other =>
      throw new JobError(
        s"sink partition_by: column ${field.name} is ${other.catalogString}. " +
          "Allowed: texts, numbers, dates, timestamps and booleans"
      )
  }

  /** A value that reads back unchanged; None for a column that needs no change. */
  private def value(field: StructField, format: String): Option[Column] = {
    val kinds = Leaves.kinds(field.dataType)
    if (kinds.contains(NullType))
      throw new JobError(
        s"sink: column ${field.name} has no type, as it is NULL in every row. " +
          "Give it one where it comes from: CAST(NULL AS string)"
      )
    if (format == "orc" && (field.name + field.dataType.catalogString).contains("`"))
      throw new JobError(
        s"sink format orc: ORC files do not hold the backquote in the name of ${field.name}. Rename it"
      )
    if (format == "orc" && kinds.exists(onADay)) Some(orcValue(field)) else None
  }

  /** Dates and timestamps in the catalog's types: Spark would write timestamps without a zone as integers. */
  private def orcValue(field: StructField): Column = {
    val value = Names.column(field.name).cast(Leaves.replaced(field.dataType, withZone))
    LostInOrc.foldLeft(value) { case (value, (span, first, end)) =>
      def inside(leaf: String, type_ : DataType) =
        if (onADay(type_)) s"$leaf >= TIMESTAMP'${first}Z' AND $leaf < TIMESTAMP'${end}Z'" else "false"
      val lost = expr(s"${Leaves.count(Names.quoted(field.name), field.dataType, inside)} > 0")
      val message = s"sink format orc: column ${field.name} has a time in $span, which ORC files do not hold"
      when(lost, Errors.failure(lit(s"$message. Choose parquet"))).otherwise(value)
    }
  }

  private def onADay(type_ : DataType) = Seq(DateType, TimestampType, TimestampNTZType).contains(type_)

  private def withZone(leaf: DataType): DataType = if (leaf == TimestampNTZType) TimestampType else leaf
}

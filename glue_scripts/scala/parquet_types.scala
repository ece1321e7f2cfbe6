/** The types of the columns of Parquet files, from the files' ends: Spark's reader trusts the table's types instead. */
object ParquetTypes {
  val Nanos = "lake.nanos" // metadata of a column whose integers are nanoseconds since 1970

  /** The files in groups of the same columns, without those whose ends cannot be read. */
  def ofEqualTypes(spark: SparkSession, paths: Seq[String]): Seq[Seq[String]] = {
    // What cannot be read fails the query that reads it too, which finds out why.
    val columns = paths.par.map(path => Try(message(spark, path).toString).toOption).seq
    paths.zip(columns).collect { case (path, Some(found)) => path -> found }.groupBy(_._2).values.toSeq
      .map(_.map(_._1))
  }

  /** Those of the named columns that a file has, in any case, in types of Spark.
    *
    * Columns in nanoseconds are integers with Nanos, if the session reads them so. A column of a type that Spark does
    * not have, such as a time of the day, is left out. Throws for a file that is not Parquet.
    */
  def schema(spark: SparkSession, path: String, names: Seq[String]): StructType = {
    val converter = new ParquetToSparkSchemaConverter(spark.sessionState.conf)
    val wanted = names.map(_.toLowerCase).toSet
    val fields = message(spark, path).getFields.asScala.filter(field => wanted(field.getName.toLowerCase))
    StructType(fields.flatMap { field =>
      val metadata = new MetadataBuilder()
      if (field.toString.contains("TIMESTAMP(NANOS")) metadata.putBoolean(Nanos, true)
      Try(converter.convert(new MessageType("file", field)).head.copy(metadata = metadata.build())).toOption
    })
  }

  private def message(spark: SparkSession, path: String): MessageType = {
    val file = HadoopInputFile.fromPath(new Path(path), spark.sparkContext.hadoopConfiguration)
    val reader = ParquetFileReader.open(file)
    try reader.getFileMetaData.getSchema
    finally reader.close()
  }
}

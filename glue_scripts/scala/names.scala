/** Column names: how to quote them in SQL, and which are reserved for the lake. */
object Names {
  val Own = "_lake_" // prefix of helper columns, which the data must not use
  // What is quoted, or a struct's field, which the catalog does not quote.
  private val field = "`[^`]*`|(?<=[<,])\\s*([^`<>,]+):".r

  /** The name quoted for Spark SQL, whatever its characters: user.id is one name, not a field of user. */
  def quoted(column: String): String = s"`${column.replace("`", "``")}`"

  def column(name: String): Column = col(quoted(name))

  /** A type of the catalog. Its fields may have any names without a comma or an angle bracket. */
  def parsedType(text: String): DataType =
    DataType.fromDDL(field.replaceAllIn(text, found => Matcher.quoteReplacement(
      Option(found.group(1)).fold(found.matched)(name => s"${quoted(name.trim)}:")
    )))

  /** The type of an existing column. Case does not matter, as in Spark. */
  def typeOf(frame: DataFrame, name: String): DataType = frame.schema.find(_.name.equalsIgnoreCase(name)).get.dataType

  /** Throw JobError for a column with a reserved name. */
  def checkOwn(frame: DataFrame, where: String = "the data"): Unit =
    for (name <- frame.columns if name.toLowerCase.startsWith(Own))
      throw new JobError(s"$where has a column '$name': names that begin with $Own are reserved. Rename it")

  /** Throw JobError for a column that Spark cannot compare: one that is or contains a map. */
  def checkComparable(frame: DataFrame, names: Iterable[String], what: String): Unit = for (name <- names) {
    val type_ = typeOf(frame, name).catalogString
    if (type_.contains("map<"))
      throw new JobError(s"$what: column $name is ${type_}, and maps cannot be compared. Leave the column out")
  }
}

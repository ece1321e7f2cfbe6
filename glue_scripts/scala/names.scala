/** The names of columns: how SQL has them, and which are the lake's own. */
object Names {
  val Own = "_lake_" // what the names of helper columns begin with, so that none of the data is in their way

  /** The name as SQL has it, whatever its characters: user.id is one name, and not a field of user. */
  def quoted(column: String): String = s"`${column.replace("`", "``")}`"

  def column(name: String): Column = col(quoted(name))

  /** The type of a column that is there. Case does not matter, as in Spark. */
  def typeOf(frame: DataFrame, name: String): DataType = frame.schema.find(_.name.equalsIgnoreCase(name)).get.dataType

  /** Throw JobError for a column that has a name of the lake's own. */
  def checkOwn(frame: DataFrame, where: String = "the data"): Unit =
    for (name <- frame.columns if name.toLowerCase.startsWith(Own))
      throw new JobError(s"$where has a column '$name': names that begin with $Own are the lake's own. Rename it")

  /** Throw JobError for a column that Spark cannot compare: one that is or holds a map. */
  def checkComparable(frame: DataFrame, names: Iterable[String], what: String): Unit = for (name <- names) {
    val type_ = typeOf(frame, name).catalogString
    if (type_.contains("map<"))
      throw new JobError(s"$what: column $name is ${type_}, and maps cannot be compared. Leave the column out")
  }
}

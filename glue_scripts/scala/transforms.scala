/** A kind of step, and the run report's names for the rows that it removes and adds (empty: it must do neither). */
abstract class Transform(val removes: String = "", val adds: String = "") {

  /** The data changed by the step's options; dataset reads another dataset by name. */
  def apply(frame: DataFrame, options: Any, dataset: String => DataFrame): DataFrame

  /** The same; `casts` gets the step's casts, so that their nulls are counted. */
  def counting(frame: DataFrame, options: Any, dataset: String => DataFrame, casts: Counted => Unit): DataFrame =
    apply(frame, options, dataset)

  /** The rows that apply removes because they are bad: source_file, raw, reason. None if it removes none. */
  def rejects(frame: DataFrame, options: Any): Option[DataFrame] = None

  /** Whether each row becomes exactly one: then nothing is counted. */
  def keepsRows(options: Any): Boolean = false

  protected def options(given: Any): Options = given match {
    case fields: ListMap[_, _] => Options(fields.asInstanceOf[Json.Fields])
    case null => Options(ListMap.empty)
    case other => throw new JobError(s"its options have to be a mapping, not ${Json.write(other)}")
  }

  protected def text(given: Any, kind: String): String = given match {
    case text: String => text
    case other => throw new JobError(s"it takes $kind, not ${Json.write(other)}")
  }

  /** The column that SQL describes. A user-defined function is Python, which a Scala job cannot call. */
  protected def described(given: Any): Column = given match {
    case function: ListMap[_, _] =>
      val name = Options(function.asInstanceOf[Json.Fields]).check(Seq("function")).text("function")
      throw new JobError(s"function $name: Scala jobs call no named Python functions. Use SQL, or language: python")
    case sql => expr(text(sql, "a SQL expression"))
  }

  /** Names given as one name or as a list. */
  protected def oneOrMany(given: Any): List[String] = given match {
    case name: String => List(name)
    case names: List[_] => names.map(_.toString)
    case other => throw new JobError(s"a name or a list of names is needed, not ${Json.write(other)}")
  }
}

/** A step that casts: it always counts the nulls that it makes. */
abstract class Casting(removes: String = "", adds: String = "") extends Transform(removes, adds) {
  def apply(frame: DataFrame, options: Any, dataset: String => DataFrame): DataFrame =
    counting(frame, options, dataset, _ => ())

  override def counting(frame: DataFrame, options: Any, dataset: String => DataFrame, casts: Counted => Unit): DataFrame
}

object Transform {
  // Lazy: using one of the steps first would initialize this object too, while that step is still null.
  lazy val All: ListMap[String, Transform] = ListMap(
    "convert" -> Convert,
    "dedupe" -> Dedupe,
    "drop_fields" -> DropFields,
    "drop_null_fields" -> DropNullFields,
    "filter" -> Filter,
    "find_matches" -> FindMatches,
    "join" -> Join,
    "map" -> MapFields,
    "sql" -> Sql
  )
}

/** The options of a step or a specification, read field by field. A null field counts as missing. */
final case class Options(given: Json.Fields) {
  private val present = given.filter { case (_, value) => value != null }

  def check(required: Seq[String], optional: Seq[String] = Nil): this.type = {
    for (name <- given.keys if !(required ++ optional).contains(name))
      throw Errors.unknown("option", name, required ++ optional)
    for (name <- required if !given.contains(name))
      throw new JobError(s"option '$name' is missing. Given: ${given.keys.mkString(", ")}")
    this
  }

  def get(name: String): Option[Any] = present.get(name)

  def text(name: String): String = as[String](name, "a text").getOrElse("")

  def text(name: String, default: String): String = as[String](name, "a text").getOrElse(default)

  def texts(name: String): List[String] = as[List[String]](name, "a list").getOrElse(Nil)

  def values(name: String): List[Any] = as[List[Any]](name, "a list").getOrElse(Nil)

  def number(name: String): Option[Int] = as[Int](name, "a number")

  def flag(name: String): Boolean = as[Boolean](name, "true or false").getOrElse(false)

  def list(name: String): List[Json.Fields] = as[List[Json.Fields]](name, "a list of mappings").getOrElse(Nil)

  def named(name: String): ListMap[String, String] =
    as[ListMap[String, String]](name, "a mapping").getOrElse(ListMap.empty)

  def fields(name: String): Json.Fields = as[Json.Fields](name, "a mapping").getOrElse(ListMap.empty)

  def nested(name: String): Options = Options(fields(name))

  def each(name: String): ListMap[String, Options] =
    as[ListMap[String, Json.Fields]](name, "a mapping").getOrElse(ListMap.empty).map { case (key, value) =>
      key -> Options(value)
    }

  private def as[T: scala.reflect.ClassTag](name: String, kind: String): Option[T] = present.get(name).map {
    case value: T => value
    case other => throw new JobError(s"option '$name' has to be $kind, not ${Json.write(other)}")
  }
}

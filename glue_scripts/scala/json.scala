/** JSON as Scala values. An object is a ListMap: the order of its fields is the order of columns. */
object Json {
  type Fields = ListMap[String, Any]

  private val reader = new ObjectMapper()
  private val writer = new ObjectMapper().registerModule(DefaultScalaModule)

  def read(text: String): Fields = ordered(reader.readValue(text, classOf[Object])).asInstanceOf[Fields]

  /** None for a text that is not JSON. */
  def tree(text: String): Option[JsonNode] = Try(reader.readTree(text)).toOption.filter(_ != null)

  def write(value: Any): String = writer.writeValueAsString(value)

  private def ordered(value: Any): Any = value match {
    case fields: java.util.Map[_, _] =>
      ListMap(fields.asScala.toSeq.map { case (name, field) => name.toString -> ordered(field) }: _*)
    case items: java.util.List[_] => items.asScala.map(ordered).toList
    case other => other
  }
}

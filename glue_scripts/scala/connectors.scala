/** A supported database. lake_etl/connectors.py describes the fields. */
final case class Connector(facts: Options) {
  val (title, driver, debian) = (facts.text("title"), facts.text("driver"), facts.text("package"))
  val (types, wider, unlike) = (facts.named("types"), facts.named("wider"), facts.named("unlike"))
  val (integers, floats) = (facts.texts("integers"), facts.texts("floats"))
  val readAsTheyAre: List[String] = facts.texts("read_as_they_are")
  val readAs: ListMap[String, Options] = facts.each("read_as")
  private val states = facts.nested("states")

  /** Whether a SQLSTATE belongs to a kind of error, such as `lost`. */
  def isState(kind: String, state: String): Boolean = states.texts(kind).exists(state.startsWith)
}

object Connector {

  /** From lake_etl/connectors.json, which is joined to this script as ConnectorsJson. */
  val PostgreSql: Connector = Connector(Options(Json.read(ConnectorsJson.text)).nested("postgresql"))
}

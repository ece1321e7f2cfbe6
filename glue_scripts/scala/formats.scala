/** A format that jobs write. lake_etl/formats.py describes the fields. */
final case class Format(name: String, facts: Options) {
  val compressions: List[String] = facts.texts("compressions")
  val recognisedBy: List[String] = facts.texts("recognised_by")
  val (isText, byPosition) = (facts.flag("is_text"), facts.flag("by_position"))
  val (input, output, serde) = (facts.text("input"), facts.text("output"), facts.text("serde"))
  val shuffled: Int = facts.number("shuffled").getOrElse(1)
}

object Format {

  /** The formats from lake_etl/formats.json, which is joined to this script as FormatsJson. */
  val All: Seq[Format] = {
    val described = Options(Json.read(FormatsJson.text))
    described.given.keys.toSeq.map(name => Format(name, described.nested(name)))
  }
  val Read: Seq[Format] = All.filter(_.recognisedBy.nonEmpty)

  def apply(name: String): Format =
    All.find(_.name == name).getOrElse(throw Errors.unknown("sink format", name, All.map(_.name)))
}

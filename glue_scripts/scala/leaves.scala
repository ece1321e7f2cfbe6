/** SQL over the leaves of a value: the values inside its arrays, maps and structs, at every level. */
object Leaves {

  /** SQL that counts the leaves of a value (in SQL) of this type for which the condition on leaf and type is true. */
  def count(value: String, type_ : DataType, holds: (String, DataType) => String, depth: Int = 0): String =
    type_ match {
      case ArrayType(element, _) =>
        val each = count(s"each$depth", element, holds, depth + 1)
        s"coalesce(aggregate($value, 0, (n$depth, each$depth) -> n$depth + $each), 0)"
      case MapType(key, of, _) =>
        val sides = Seq("map_keys" -> key, "map_values" -> of)
        sum(sides.map { case (side, of) => count(s"$side($value)", ArrayType(of), holds, depth) })
      case StructType(fields) =>
        sum(fields.map(field => count(s"$value.${Names.quoted(field.name)}", field.dataType, holds, depth)))
      case leaf => s"if(${holds(value, leaf)}, 1, 0)"
    }

  /** The types of a value's leaves. */
  def kinds(type_ : DataType): Seq[DataType] = type_ match {
    case ArrayType(element, _) => kinds(element)
    case MapType(key, value, _) => kinds(key) ++ kinds(value)
    case StructType(fields) => fields.toSeq.flatMap(field => kinds(field.dataType))
    case leaf => Seq(leaf)
  }

  /** The type with each leaf's type replaced. */
  def replaced(type_ : DataType, ofLeaf: DataType => DataType): DataType = type_ match {
    case ArrayType(element, _) => ArrayType(replaced(element, ofLeaf))
    case MapType(key, value, _) => MapType(replaced(key, ofLeaf), replaced(value, ofLeaf))
    case StructType(fields) => StructType(fields.map(field => StructField(field.name, replaced(field.dataType, ofLeaf))))
    case leaf => ofLeaf(leaf)
  }

  /** The levels that both types have, with the first one's names. What only one of them divides is a leaf. */
  def shared(one: DataType, other: DataType): DataType = (one, other) match {
    case (ArrayType(a, _), ArrayType(b, _)) => ArrayType(shared(a, b))
    case (MapType(a, x, _), MapType(b, y, _)) => MapType(shared(a, b), shared(x, y))
    case (StructType(a), StructType(b)) =>
      StructType(a.zip(b).map { case (field, like) => StructField(field.name, shared(field.dataType, like.dataType)) })
    case _ => NullType
  }

  private def sum(terms: Seq[String]): String = ("0" +: terms).mkString("(", " + ", ")")
}

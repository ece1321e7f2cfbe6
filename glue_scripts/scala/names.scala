object Names {
  def quoted(column: String): String = s"`${column.replace("`", "``")}`"

  def column(name: String): Column = col(quoted(name))
}

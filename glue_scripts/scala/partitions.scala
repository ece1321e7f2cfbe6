/** values: path -> a text per key, null for no value, for each file in a partition. astray: path -> why it is in no
  * partition.
  */
final case class Placed(values: ListMap[String, Seq[String]], astray: ListMap[String, String])

/** The partition values of a table's files: from the catalog's locations, else from the names of their folders. */
object Partitions {
  val NoValue: String = ExternalCatalogUtils.DEFAULT_PARTITION_NAME // Hive's folder for rows whose column is null

  /** The partitions of files. A file outside the catalog's partitions gets its values from its folders: by name for
    * `key=value`, in any case and order, or by position if no folder names a key.
    */
  def apply(paths: Seq[String], table: Table): Placed = {
    val byLocation = table.partitions.map { case (values, place) => place -> values.map(value) }
    val folders = paths.map(folder).distinct.map { folder =>
      folder -> inCatalog(folder, byLocation).toRight("").left.flatMap(_ => inNames(folder, table))
    }.toMap
    val found = paths.map(path => path -> folders(folder(path)))
    Placed(
      ListMap(found.collect { case (path, Right(values)) => path -> values }: _*),
      ListMap(found.collect { case (path, Left(why)) => path -> why }: _*)
    )
  }

  private def folder(path: String) = path.substring(0, path.lastIndexOf('/') + 1)

  /** The values of the innermost known partition that contains the folder. */
  private def inCatalog(folder: String, byLocation: Map[String, Seq[String]]): Option[Seq[String]] =
    Iterator.iterate(folder)(path => this.folder(path.stripSuffix("/"))).takeWhile(_.count(_ == '/') > 2)
      .flatMap(byLocation.get).toStream.headOption

  private def inNames(folder: String, table: Table): Either[String, Seq[String]] = {
    val (keys, parts) = (table.keys.keys.toSeq, folder.stripPrefix(table.location).split("/").filter(_.nonEmpty).toSeq)
    val named = parts.filter(_.contains("=")).map(_.split("=", 2)).map(part => part(0).toLowerCase -> part(1)).toMap
    if (keys.forall(key => named.contains(key.toLowerCase)))
      Right(keys.map(key => value(ExternalCatalogUtils.unescapePathName(named(key.toLowerCase)))))
    else if (parts.size >= keys.size && !keys.exists(key => named.contains(key.toLowerCase)))
      Right(parts.take(keys.size).map(value))
    else {
      val wanted = keys.map(key => s"$key=...").mkString("/")
      Left(s"the file is in no partition: its folder is not of the form $wanted. Move it into one")
    }
  }

  private def value(text: String) = if (text == NoValue) null else text
}

/** Lines of JSON that have more than one object: Spark's reader takes the first, and drops the others. */
object JsonLines {
  private val (someFiles, bytes) = (32, 256 * 1024)

  /** Path -> reason of the files that have more than one object on a line.
    *
    * Whoever writes files without line ends (a delivery stream does, unless told otherwise) does so in all of them. So
    * the beginnings of some files are looked at, and only where one is such a file, those of all.
    */
  def withMore(files: Files, paths: Seq[String]): ListMap[String, String] = {
    val some = paths.grouped(paths.size / someFiles + 1).map(_.head).toSeq
    val looked = if (faults(files, some).isEmpty) Nil else faults(files, paths)
    ListMap(looked: _*)
  }

  private def faults(files: Files, paths: Seq[String]): Seq[(String, String)] =
    paths.par.flatMap(path => fault(files, path).map(path -> _)).seq

  private def fault(files: Files, path: String): Option[String] = {
    val head = files.head(path, bytes)
    val lines = new String(head, UTF_8).split("\n").toSeq
    val whole = if (head.length < bytes) lines else lines.dropRight(1)
    whole.indexWhere(line => Json.goesOn(line.trim)) match {
      case -1 => None
      case at => Some(s"there is more on line ${at + 1} than one JSON object: write one object a line")
    }
  }
}

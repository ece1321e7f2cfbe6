/** The versions of a table: each run writes into its own folder, and the catalog decides which folders are current. */
final class Versions(files: Files, catalog: Catalog, job: String) {

  /** Delete the folders of ended runs that contain none of the locations.
    *
    * The locations are read last: a run that had ended before then has already published everything it will.
    */
  def removeUnused(root: String, locations: => Seq[String]): Unit = {
    def unused(folders: Seq[String]): Seq[String] = if (folders.isEmpty) Nil
    else {
      val used = locations.map(location => root + location.stripPrefix(root).split("/").head + "/").toSet
      folders.filterNot(used)
    }
    val candidates = unused(files.folders(root).filter(runId(root, _).nonEmpty))
    unused(candidates.filter(folder => runId(root, folder).exists(catalog.hasEnded(job, _)))).foreach(files.delete)
  }

  private def runId(root: String, folder: String): Option[String] =
    Some(folder.stripPrefix(root).stripSuffix("/"))
      .filter(_.startsWith(Versions.Prefix))
      .map(_.stripPrefix(Versions.Prefix))
}

object Versions {
  val Underway: Seq[String] = Seq("STARTING", "RUNNING", "STOPPING", "WAITING")
  private val Prefix = "run-"

  /** The run's folder: s3://curated/flights/run-jr_1/ for the root s3://curated/flights/. */
  def folder(root: String, runId: String): String = s"$root$Prefix$runId/"
}

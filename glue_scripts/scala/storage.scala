/** S3 as Spark's file system shows it, on Glue and on the laptop alike. */
final class Files(spark: SparkSession) {

  def read(location: String): String = {
    val stream = system(location).open(new Path(location))
    try new String(stream.readAllBytes(), UTF_8)
    finally stream.close()
  }

  /** The first bytes of a file, unpacked if it is zipped; none if it only says so. */
  def head(location: String, bytes: Int): Array[Byte] = {
    val opened = system(location).open(new Path(location))
    def stream = if (location.endsWith(".gz")) new GZIPInputStream(opened) else opened
    try stream.readNBytes(bytes)
    catch { case _: ZipException | _: EOFException => Array.empty[Byte] }
    finally opened.close()
  }

  /** What is wrong with a packed file. None for one that is whole, or not packed. */
  def packedFault(location: String): Option[String] = {
    val path = new Path(location)
    Option(codecs.getCodec(path)).filter(_ => Files.packed.exists(location.endsWith)).flatMap { codec =>
      val opened = system(location).open(path)
      try {
        val (unpacked, buffer) = (codec.createInputStream(opened), new Array[Byte](1 << 20))
        while (unpacked.read(buffer) >= 0) {}
        None
      } catch { case _: IOException => Some("the file is damaged, cut off, or not packed as its name says") }
      finally opened.close()
    }
  }

  private lazy val codecs = new CompressionCodecFactory(spark.sparkContext.hadoopConfiguration)

  def write(location: String, text: String): Unit = {
    val stream = system(location).create(new Path(location))
    try stream.write(text.getBytes(UTF_8))
    finally stream.close()
  }

  /** Path -> size in bytes of each data file under the location. As for Spark, _names and .names are none. */
  def list(location: String): ListMap[String, Long] = versions(location).map { case (path, (size, _)) => path -> size }

  /** The same with the moment of the last change, in milliseconds since 1970. */
  def versions(location: String): ListMap[String, (Long, Long)] = {
    val (root, found) = (new Path(location), mutable.ArrayBuffer.empty[(String, (Long, Long))])
    if (system(location).exists(root)) {
      val files = system(location).listFiles(root, true)
      while (files.hasNext) {
        val file = files.next()
        val path = location + root.toUri.relativize(file.getPath.toUri).getPath
        found += path -> (file.getLen, file.getModificationTime)
      }
    }
    ListMap(found.filterNot { case (path, _) => hidden(path.stripPrefix(location)) }.sorted: _*)
  }

  /** The folders right under the location, each with a slash at its end. */
  def folders(location: String): Seq[String] = {
    val root = new Path(location)
    if (!system(location).exists(root)) Nil
    else {
      val folders = system(location).listStatus(root).toSeq.filter(_.isDirectory)
      folders.map(found => s"$location${found.getPath.getName}/")
    }
  }

  def delete(location: String): Unit = system(location).delete(new Path(location), true)

  private def system(location: String) = new Path(location).getFileSystem(spark.sparkContext.hadoopConfiguration)

  private def hidden(name: String): Boolean = name.endsWith("_$folder$") ||
    name.split("/").exists(part => part.startsWith(".") || part.startsWith("_") && !part.contains("="))
}

object Files {
  private val packed = Seq(".gz", ".bz2")

  /** The path for Spark's reader, which would take it for a pattern of paths. */
  def literal(path: String): String = path.replaceAll("([\\\\{}\\[\\]*?])", "\\\\$1")

  /** The path as Spark's file metadata has it. */
  def uri(path: String): String = new Path(path).toUri.toString
}

/** S3 through Spark's file system, the same on Glue and on a laptop. */
final class Files(spark: SparkSession) {

  def read(location: String): String = {
    val stream = system(location).open(new Path(location))
    try new String(stream.readAllBytes(), UTF_8)
    finally stream.close()
  }

  /** The first bytes of a file, decompressed; empty if its name says it is compressed but it is not. */
  def head(location: String, bytes: Int): Array[Byte] = {
    val opened = system(location).open(new Path(location))
    def stream = if (location.endsWith(".gz")) new GZIPInputStream(opened) else opened
    try stream.readNBytes(bytes)
    catch { case _: ZipException | _: EOFException => Array.empty[Byte] }
    finally opened.close()
  }

  /** What is wrong with a compressed file. None if it is intact or not compressed.
    *
    * Throws JobError for a file that cannot be opened or read: that says nothing about its content.
    */
  def packedFault(location: String): Option[String] = {
    val path = new Path(location)
    Option(codecs.getCodec(path)).filter(_ => Files.packed.exists(location.endsWith)).flatMap { codec =>
      val opened = new Stored(Try(system(location).open(path)).getOrElse(throw closed(location)))
      try {
        val (unpacked, buffer) = (codec.createInputStream(opened), new Array[Byte](1 << 20))
        while (unpacked.read(buffer) >= 0) {}
        None
      } catch {
        case _: IOException if opened.failed => throw closed(location)
        case _: IOException => Some("the file is damaged, cut off, or not packed as its name says")
      } finally opened.close()
    }
  }

  /** Throws JobError unless Spark can open a file and read its beginning. */
  def checkOpens(location: String): Unit = {
    def readOne() = {
      val stream = system(location).open(new Path(location))
      try stream.read()
      finally stream.close()
    }
    if (Try(readOne()).isFailure) throw closed(location)
  }

  private def closed(location: String) = new JobError(
    s"$location cannot be opened: it is gone, the job's role may not read it, or the storage does not answer. " +
      "Nothing is published. Let the role read the file and its KMS key, or run the job again"
  )

  private lazy val codecs = new CompressionCodecFactory(spark.sparkContext.hadoopConfiguration)

  def write(location: String, text: String): Unit = {
    val stream = system(location).create(new Path(location))
    try stream.write(text.getBytes(UTF_8))
    finally stream.close()
  }

  /** Path -> size in bytes of each data file under the location, without _names and .names, as in Spark. */
  def list(location: String): ListMap[String, Long] = versions(location).map { case (path, (size, _)) => path -> size }

  /** The same, with the time of the last change in milliseconds since 1970. */
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

  /** The folders directly under the location, each with a slash at its end. */
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

/** A file as it is stored, and whether the storage failed to give it. */
final class Stored(stream: InputStream) extends FilterInputStream(stream) {
  var failed = false

  override def read(): Int = noticing(stream.read())

  override def read(bytes: Array[Byte], offset: Int, length: Int): Int = noticing(stream.read(bytes, offset, length))

  private def noticing(read: => Int): Int = {
    failed = true
    val found = read
    failed = false
    found
  }
}

object Files {
  private val packed = Seq(".gz", ".bz2")

  /** Escapes the path for Spark's reader, which takes paths for glob patterns. */
  def literal(path: String): String = path.replaceAll("([\\\\{}\\[\\]*?])", "\\\\$1")

  /** The path as in Spark's file metadata. */
  def uri(path: String): String = new Path(path).toUri.toString
}

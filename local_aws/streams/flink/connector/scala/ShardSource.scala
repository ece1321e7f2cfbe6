package local_aws.flink

import java.nio.charset.StandardCharsets.UTF_8
import java.util.{List => JList}

import scala.collection.JavaConverters._
import scala.collection.mutable

import org.apache.flink.api.common.serialization.DeserializationSchema
import org.apache.flink.api.connector.source._
import org.apache.flink.core.io.SimpleVersionedSerializer
import org.apache.flink.table.api.ValidationException
import org.apache.flink.table.data.RowData

/** Start positions for GetShardIterator: the type, then the value that it needs. */
object Start {
  private val Allowed = Seq("LATEST", "TRIM_HORIZON")

  /** LATEST is the time the application was started: nothing is lost if it fails before reading a record. */
  def named(position: String): String = position match {
    case "TRIM_HORIZON" => position
    case "LATEST"       => s"AT_TIMESTAMP ${Option(System.getenv("STARTED_AT")).getOrElse(System.currentTimeMillis / 1000.0)}"
    case _ => throw new ValidationException(s"source.init.position is ${Allowed.mkString(" or ")}, not $position")
  }
}

/** A shard, and the position after the last record read. */
final case class ShardSplit(id: String, position: String) extends SourceSplit {
  def splitId: String = id
}

/** The shards of a stream are known, and each task was assigned its own. */
case object Discovered extends SourceEvent

/** Reads a stream shard by shard, each in order; the shards of one subtask are merged by arrival time. */
final class ShardSource(stream: Stream, start: String, decoder: DeserializationSchema[RowData])
    extends Source[RowData, ShardSplit, Set[String]] {
  def getBoundedness: Boundedness = Boundedness.CONTINUOUS_UNBOUNDED
  def createReader(context: SourceReaderContext): SourceReader[RowData, ShardSplit] =
    new ShardReader(stream, decoder, context)
  def createEnumerator(context: SplitEnumeratorContext[ShardSplit]): SplitEnumerator[ShardSplit, Set[String]] =
    new ShardEnumerator(stream, start, Set.empty, context)
  def restoreEnumerator(
      context: SplitEnumeratorContext[ShardSplit],
      known: Set[String]
  ): SplitEnumerator[ShardSplit, Set[String]] = new ShardEnumerator(stream, start, known, context)
  def getSplitSerializer: SimpleVersionedSerializer[ShardSplit] = SplitText
  def getEnumeratorCheckpointSerializer: SimpleVersionedSerializer[Set[String]] = KnownText
}

/** Assigns every shard to one subtask, once: `known` are the assigned ones. Later shards are read from their start. */
final class ShardEnumerator(
    stream: Stream,
    start: String,
    restored: Set[String],
    context: SplitEnumeratorContext[ShardSplit]
) extends SplitEnumerator[ShardSplit, Set[String]] {
  private var known = restored
  private val waiting = mutable.LinkedHashMap.empty[String, ShardSplit]
  private var isDiscovered = false

  def start(): Unit = context.callAsync[Seq[String]](() => stream.shards, discovered(_, _), 0, 10000)

  private def discovered(shards: Seq[String], error: Throwable): Unit = error match {
    case null =>
      val position = if (known.isEmpty) start else "TRIM_HORIZON"
      for (id <- shards if !known(id)) waiting += id -> ShardSplit(id, position)
      known ++= shards
      isDiscovered = true
      assign()
    case _: java.io.IOException => ShardReader.log.warn("Kinesis does not answer: {}", error.toString)
    case _                      => throw error
  }

  private def assign(): Unit = {
    for ((id, split) <- waiting.toSeq; subtask = subtaskOf(id) if context.registeredReaders.containsKey(subtask)) {
      context.assignSplit(split, subtask)
      waiting -= id
    }
    if (isDiscovered) context.registeredReaders.keySet.forEach(subtask => context.sendEventToSourceReader(subtask, Discovered))
  }

  private def subtaskOf(id: String): Int = Math.floorMod(id.takeRight(12).toLong, context.currentParallelism.toLong).toInt

  def addReader(subtask: Int): Unit = assign()
  def addSplitsBack(splits: JList[ShardSplit], subtask: Int): Unit = {
    waiting ++= splits.asScala.map(split => split.id -> split)
    assign()
  }
  // A shard that is not yet assigned is not known: after a failure it is found again.
  def snapshotState(checkpoint: Long): Set[String] = known -- waiting.keys
  def handleSplitRequest(subtask: Int, host: String): Unit = ()
  def close(): Unit = ()
}

/** Serializes to text in the checkpoints. */
abstract class TextSerializer[T](write: T => String, read: String => T) extends SimpleVersionedSerializer[T] {
  def getVersion: Int = 1
  def serialize(value: T): Array[Byte] = write(value).getBytes(UTF_8)
  def deserialize(version: Int, bytes: Array[Byte]): T = read(new String(bytes, UTF_8))
}

object SplitText
    extends TextSerializer[ShardSplit](
      split => s"${split.id} ${split.position}",
      text => ShardSplit(text.takeWhile(_ != ' '), text.dropWhile(_ != ' ').trim)
    )

object KnownText extends TextSerializer[Set[String]](_.mkString(" "), _.split(' ').filter(_.nonEmpty).toSet)

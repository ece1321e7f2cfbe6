package local_aws.flink

import java.io.IOException
import java.util.concurrent.{CompletableFuture, CompletionException, TimeUnit}
import java.util.{List => JList}

import scala.collection.JavaConverters._
import scala.collection.mutable
import scala.util.{Failure, Success, Try}

import org.apache.flink.api.common.serialization.DeserializationSchema
import org.apache.flink.api.connector.source.{ReaderOutput, SourceEvent, SourceReader, SourceReaderContext}
import org.apache.flink.core.io.InputStatus
import org.apache.flink.metrics.Gauge
import org.apache.flink.table.data.RowData
import org.apache.flink.util.{Collector, UserCodeClassLoader}

/** The read state of a shard. Checkpoints keep `position`; the rest lasts only as long as the job runs. */
final class Shard(val id: String, start: String) {
  var last: Option[String] = None
  val buffer: mutable.Queue[Record] = mutable.Queue.empty
  var answer: Option[CompletableFuture[Answer]] = None
  var iterator: Option[String] = None
  var asked = 0.0
  var again = 0.0
  var behind = -1L
  var isClosed = false

  /** The time up to which an answer returned all records. A request without an answer says nothing. */
  var known = 0.0

  def position: String = last.fold(start)("AFTER_SEQUENCE_NUMBER " + _)

  /** The time up to which all records are buffered or emitted: no later record arrived before it. */
  def complete: Double = buffer.headOption match {
    case Some(first)      => first.arrived
    case None if isClosed => Double.MaxValue
    case None             => known
  }
  def isDone: Boolean = isClosed && buffer.isEmpty
}

/** Reads the shards of a subtask as one, record by record in the order of arrival, like a reader that was live.
  *
  * Reading one shard after the other would drop half the events of a backlog as late. Calls to Kinesis continue while
  * records are processed; only the task's own thread accesses the state.
  */
final class ShardReader(stream: Stream, decoder: DeserializationSchema[RowData], context: SourceReaderContext)
    extends SourceReader[RowData, ShardSplit] {
  import ShardReader._

  private val shards = mutable.LinkedHashMap.empty[String, Shard]
  private var lastRecord = 0.0
  private var isDiscovered = false

  def start(): Unit = {
    decoder.open(new DeserializationSchema.InitializationContext {
      def getMetricGroup = context.metricGroup
      def getUserCodeClassLoader: UserCodeClassLoader = context.getUserCodeClassLoader
    })
    // AWS's connector has a metric of this name too. It is set once every shard was read from, if there are any.
    val lag: Gauge[java.lang.Long] = () => millisBehind
    context.metricGroup.gauge[java.lang.Long, Gauge[java.lang.Long]]("millisBehindLatest", lag)
  }

  private def millisBehind: Long =
    if (!isDiscovered || shards.values.exists(_.behind < 0)) -1 else shards.values.map(_.behind).foldLeft(0L)(math.max)

  override def handleSourceEvents(event: SourceEvent): Unit = isDiscovered = true

  def addSplits(splits: JList[ShardSplit]): Unit =
    for (split <- splits.asScala) shards += split.id -> new Shard(split.id, split.position)

  def snapshotState(checkpoint: Long): JList[ShardSplit] =
    shards.values.map(shard => ShardSplit(shard.id, shard.position)).toList.asJava

  def pollNext(output: ReaderOutput[RowData]): InputStatus = {
    shards.values.foreach(receive)
    shards.values.foreach(askAhead)
    val emitted = emit(output)
    shards.retain((_, shard) => !shard.isDone)
    if (emitted == Most) InputStatus.MORE_AVAILABLE else InputStatus.NOTHING_AVAILABLE
  }

  /** Emits what is complete in the order of arrival; returns the number of records. */
  private def emit(output: ReaderOutput[RowData]): Int = {
    val (rows, parts) = (collector(output), shards.values.toArray)
    var emitted = 0
    var shard = earliest(parts)
    while (emitted < Most && shard.exists(_.buffer.nonEmpty)) {
      val record = shard.get.buffer.dequeue()
      decoder.deserialize(record.data, rows)
      shard.get.last = Some(record.sequence)
      emitted += 1
      shard = earliest(parts)
    }
    emitted
  }

  /** The shard whose next record arrived first, or that may still return one that did. */
  private def earliest(parts: Array[Shard]): Option[Shard] = if (parts.isEmpty) None else Some(parts.minBy(_.complete))

  private def collector(output: ReaderOutput[RowData]) = new Collector[RowData] {
    def collect(row: RowData): Unit = output.collect(row)
    def close(): Unit = ()
  }

  def isAvailable: CompletableFuture[Void] = {
    val answers = shards.values.flatMap(_.answer).toSeq
    val next = shards.values.filter(_.answer.isEmpty).map(_.again - now)
    val wait = if (next.isEmpty) Quiet else math.max(next.min, 0.001)
    val timer = new CompletableFuture[Void].completeOnTimeout(null, (wait * 1000).toLong + 1, TimeUnit.MILLISECONDS)
    CompletableFuture.anyOf(timer +: answers.map(_.handle[Void]((_, _) => null)): _*).thenApply(_ => null)
  }

  /** Requests more when the buffer runs low, so that the next records arrive before it is empty. */
  private def askAhead(shard: Shard): Unit =
    if (shard.answer.isEmpty && !shard.isClosed && shard.buffer.size < Low && now >= shard.again) {
      shard.asked = now
      shard.answer = Some(shard.iterator match {
        case Some(iterator) => stream.read("GetRecords", Map("ShardIterator" -> iterator, "Limit" -> Low))
        case None           => stream.read("GetShardIterator", beginning(shard))
      })
    }

  private def beginning(shard: Shard): Map[String, Any] = {
    val (type_, at) = (shard.position.takeWhile(_ != ' '), shard.position.dropWhile(_ != ' ').trim)
    val from = type_ match {
      case "AFTER_SEQUENCE_NUMBER" => Map("StartingSequenceNumber" -> at)
      case "AT_TIMESTAMP"          => Map("Timestamp" -> at.toDouble)
      case _                       => Map.empty
    }
    Map("ShardId" -> shard.id, "ShardIteratorType" -> type_) ++ from
  }

  private def receive(shard: Shard): Unit =
    for (answer <- shard.answer if answer.isDone) {
      shard.answer = None
      Try(answer.join) match {
        case Success(said) if shard.iterator.isEmpty => shard.iterator = said.iterator
        case Success(said)                           => take(shard, said)
        case Failure(error: CompletionException)     => failed(shard, error.getCause)
        case Failure(error)                          => failed(shard, error)
      }
    }

  private def take(shard: Shard, said: Answer): Unit = {
    shard.buffer ++= said.records
    shard.behind = said.behind
    shard.known = if (said.behind == 0) shard.asked - Slack else 0
    shard.iterator = said.iterator
    shard.isClosed = shard.iterator.isEmpty
    if (said.records.nonEmpty) lastRecord = now
    shard.again = if (shard.behind > 0) 0 else now + (if (now - lastRecord < Busy) Pause else Quiet)
  }

  private def failed(shard: Shard, error: Throwable): Unit = {
    shard.again = now + Quiet
    error match {
      case refused: KinesisError if Stale(refused.kind) && shard.iterator.nonEmpty => restart(shard)
      case refused: KinesisError if Slow(refused.kind)                            => ()
      case refused: KinesisError if refused.isOf(shard.id)                        => shard.isClosed = true
      case _: IOException =>
        log.warn("Kinesis does not answer: {}", error.toString)
        restart(shard)
      case _ => throw error
    }
  }

  /** Reads again from the last emitted record. */
  private def restart(shard: Shard): Unit = {
    shard.buffer.clear()
    shard.iterator = None
    shard.behind = -1
    shard.known = 0
  }

  def notifyNoMoreSplits(): Unit = ()
  def close(): Unit = shards.values.flatMap(_.answer).foreach(_.cancel(true))

  private def now: Double = System.currentTimeMillis / 1000.0
}

object ShardReader {
  val log: org.slf4j.Logger = org.slf4j.LoggerFactory.getLogger(classOf[ShardReader])

  /** Maximum records between two checks for barriers and answers. */
  private val Most = 500

  /** Records of a request, and those left over at which the next one is made: more would outlive young generations. */
  private val Low = 2000

  /** Seconds between two requests: while events arrive, which is up to `Busy` after one, and while none do. */
  private val Pause = 0.2
  private val Quiet = 1.0
  private val Busy = 5.0

  /** Seconds by which a record may appear in the stream later than its arrival time says. */
  private[flink] val Slack = 0.002
  private val Stale = Set("ExpiredIteratorException", "InvalidArgumentException")
  private val Slow = Set("ProvisionedThroughputExceededException", "LimitExceededException", "InternalFailure", "InternalServiceException")
}

package local_aws.flink

import java.io.IOException
import java.util.{Base64, UUID}

import scala.collection.JavaConverters._

import org.apache.flink.api.common.serialization.SerializationSchema
import org.apache.flink.api.connector.sink2.{Sink, SinkWriter, WriterInitContext}
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.JsonNode
import org.apache.flink.table.data.RowData

/** Puts rows as records. The partition key is that of the table's PARTITIONED BY, else random. */
final class RecordSink(
    stream: Stream,
    most: Int,
    encoder: SerializationSchema[RowData],
    keys: List[RowData.FieldGetter]
) extends Sink[RowData] {
  override def createWriter(context: Sink.InitContext): SinkWriter[RowData] = throw new UnsupportedOperationException
  override def createWriter(context: WriterInitContext): SinkWriter[RowData] = {
    encoder.open(context.asSerializationSchemaInitializationContext)
    new RecordWriter(stream, most, encoder, keys, context)
  }
}

final case class Put(data: String, key: String) {
  def size: Int = data.length + key.length
  def entry: java.util.Map[String, String] = Map("Data" -> data, "PartitionKey" -> key).asJava
}

/** Sends each row at the next checkpoint, or after a second: at least once. */
final class RecordWriter(
    stream: Stream,
    most: Int,
    encoder: SerializationSchema[RowData],
    keys: List[RowData.FieldGetter],
    context: WriterInitContext
) extends SinkWriter[RowData] {
  import RecordWriter._

  private var batch = Vector.empty[Put]
  private var size = 0
  private val timer = context.getProcessingTimeService
  tick()

  private def tick(): Unit = timer.registerTimer(timer.getCurrentProcessingTime + 1000, (_: Long) => { flush(false); tick() })

  override def write(row: RowData, in: SinkWriter.Context): Unit = {
    val put = Put(Base64.getEncoder.encodeToString(encoder.serialize(row)), keyOf(row))
    if (batch.size >= most || size + put.size > MostBytes) flush(false)
    batch :+= put
    size += put.size
  }

  private def keyOf(row: RowData): String =
    if (keys.isEmpty) UUID.randomUUID.toString else keys.map(_.getFieldOrNull(row)).mkString("|").take(256)

  override def flush(end: Boolean): Unit = {
    var refused = 0
    while (batch.nonEmpty) {
      val left = batch.length
      batch = put(batch)
      refused = if (batch.length < left) 0 else refused + 1
      if (refused > Patience) throw new IOException(s"$stream took no record for $refused seconds")
      if (batch.nonEmpty) Thread.sleep(if (refused == 0) 100 else 1000)
    }
    size = 0
  }

  /** Returns the records to put again: Kinesis may refuse some records of a batch and accept the others. */
  private def put(records: Vector[Put]): Vector[Put] =
    try {
      val said = stream.call("PutRecords", Map("Records" -> records.map(_.entry).asJava))
      records.zip(said.get("Records").asScala).collect { case (record, answer) if isRefused(answer) => record }
    } catch {
      case error: IOException                                       => again(error, records)
      case error: KinesisError if error.kind.startsWith("Internal") => again(error, records)
    }

  private def isRefused(answer: JsonNode): Boolean = answer.hasNonNull("ErrorCode")

  private def again(error: Throwable, records: Vector[Put]): Vector[Put] = {
    ShardReader.log.warn("Kinesis did not take {} records: {}", records.length, error.toString)
    records
  }

  override def close(): Unit = ()
}

object RecordWriter {
  private val MostBytes = 4 * 1024 * 1024

  /** Seconds without an accepted record after which the job fails and restarts. */
  private val Patience = 300
}

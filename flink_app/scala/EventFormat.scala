package lake.events

import java.time.Duration
import java.util.{Set => JSet}

import scala.collection.JavaConverters._

import org.apache.flink.api.common.serialization.DeserializationSchema
import org.apache.flink.api.common.typeinfo.TypeInformation
import org.apache.flink.configuration.{ConfigOption, ConfigOptions, ReadableConfig}
import org.apache.flink.metrics.Counter
import org.apache.flink.table.connector.ChangelogMode
import org.apache.flink.table.connector.format.DecodingFormat
import org.apache.flink.table.connector.source.DynamicTableSource
import org.apache.flink.table.data.RowData
import org.apache.flink.table.factories.{DeserializationFormatFactory, DynamicTableFactory, FactoryUtil}
import org.apache.flink.table.types.DataType
import org.apache.flink.table.types.logical.RowType

/** 'format' = 'events': JSON objects; a malformed one does not stop the job.
  *
  * Besides the columns of an event, a table has `_time TIMESTAMP(3)`, which is never null; `_reason STRING`, which says
  * what is wrong with a malformed event and is null for a valid one; and `_event STRING`, the record as it came.
  */
final class EventFormatFactory extends DeserializationFormatFactory {
  import EventFormatFactory._

  def factoryIdentifier: String = "events"
  def requiredOptions: JSet[ConfigOption[_]] = Set[ConfigOption[_]](TIME).asJava
  def optionalOptions: JSet[ConfigOption[_]] = Set[ConfigOption[_]](AHEAD).asJava

  def createDecodingFormat(
      context: DynamicTableFactory.Context,
      options: ReadableConfig
  ): DecodingFormat[DeserializationSchema[RowData]] = {
    FactoryUtil.validateFactoryOptions(this, options)
    new EventFormat(options.get(TIME), options.get(AHEAD))
  }
}

object EventFormatFactory {
  val TIME: ConfigOption[String] = ConfigOptions.key("time").stringType.noDefaultValue
  val AHEAD: ConfigOption[Duration] = ConfigOptions.key("ahead").durationType.defaultValue(Duration.ofHours(1))
}

final class EventFormat(time: String, ahead: Duration) extends DecodingFormat[DeserializationSchema[RowData]] {
  def getChangelogMode: ChangelogMode = ChangelogMode.insertOnly

  def createRuntimeDecoder(context: DynamicTableSource.Context, type_ : DataType): DeserializationSchema[RowData] = {
    val row = type_.getLogicalType.asInstanceOf[RowType]
    new EventDecoder(row, time, ahead.toMillis, context.createTypeInformation[RowData](type_))
  }
}

final class EventDecoder(row: RowType, time: String, ahead: Long, produced: TypeInformation[RowData])
    extends DeserializationSchema[RowData] {
  @transient private var event: Event = _
  @transient private var malformed: Counter = _

  override def open(context: DeserializationSchema.InitializationContext): Unit = {
    event = new Event(row, time, ahead)
    // AWS sends the metrics of this group to CloudWatch.
    malformed = context.getMetricGroup.addGroup("kinesisanalytics").counter("malformedEvents")
  }

  override def deserialize(record: Array[Byte]): RowData = {
    val read = event.read(record)
    if (!read.isNullAt(event.reason)) malformed.inc()
    read
  }

  override def isEndOfStream(row: RowData): Boolean = false
  override def getProducedType: TypeInformation[RowData] = produced
}

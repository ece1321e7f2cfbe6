package local_aws.flink

import java.util.{Map => JMap, Set => JSet}

import scala.collection.JavaConverters._

import org.apache.flink.api.common.serialization.{DeserializationSchema, SerializationSchema}
import org.apache.flink.configuration.{ConfigOption, ConfigOptions, ReadableConfig}
import org.apache.flink.table.api.ValidationException
import org.apache.flink.table.connector.ChangelogMode
import org.apache.flink.table.connector.format.{DecodingFormat, EncodingFormat}
import org.apache.flink.table.connector.sink.{DynamicTableSink, SinkV2Provider}
import org.apache.flink.table.connector.sink.abilities.SupportsPartitioning
import org.apache.flink.table.connector.source.{DynamicTableSource, ScanTableSource, SourceProvider}
import org.apache.flink.table.data.RowData
import org.apache.flink.table.factories.{DeserializationFormatFactory, DynamicTableFactory, FactoryUtil}
import org.apache.flink.table.factories.{DynamicTableSinkFactory, DynamicTableSourceFactory, SerializationFormatFactory}
import org.apache.flink.table.types.DataType
import org.apache.flink.table.types.logical.RowType

/** Tables of 'connector' = 'kinesis' on the embedded AWS. On AWS, the connector of that name is used instead. */
final class KinesisTableFactory extends DynamicTableSourceFactory with DynamicTableSinkFactory {
  import KinesisTableFactory._

  def factoryIdentifier: String = "kinesis"
  def requiredOptions: JSet[ConfigOption[_]] = Set[ConfigOption[_]](ARN, REGION, FactoryUtil.FORMAT).asJava
  def optionalOptions: JSet[ConfigOption[_]] = Set[ConfigOption[_]](ENDPOINT, START, BATCH).asJava

  def createDynamicTableSource(context: DynamicTableFactory.Context): DynamicTableSource = {
    val helper = FactoryUtil.createTableFactoryHelper(this, context)
    val format = helper.discoverDecodingFormat[DeserializationSchema[RowData], DeserializationFormatFactory](
      classOf[DeserializationFormatFactory],
      FactoryUtil.FORMAT
    )
    helper.validate()
    val start = Start.named(helper.getOptions.get(START))
    new KinesisTableSource(stream(helper.getOptions), start, format, context.getPhysicalRowDataType)
  }

  def createDynamicTableSink(context: DynamicTableFactory.Context): DynamicTableSink = {
    val helper = FactoryUtil.createTableFactoryHelper(this, context)
    val format = helper.discoverEncodingFormat[SerializationSchema[RowData], SerializationFormatFactory](
      classOf[SerializationFormatFactory],
      FactoryUtil.FORMAT
    )
    helper.validate()
    val keys = context.getCatalogTable.getPartitionKeys.asScala.toList
    val most = helper.getOptions.get(BATCH)
    new KinesisTableSink(stream(helper.getOptions), most, format, context.getPhysicalRowDataType, keys)
  }
}

object KinesisTableFactory {
  private def text(name: String) = ConfigOptions.key(name).stringType
  val ARN: ConfigOption[String] = text("stream.arn").noDefaultValue
  val REGION: ConfigOption[String] = text("aws.region").noDefaultValue
  val ENDPOINT: ConfigOption[String] = text("aws.endpoint").noDefaultValue
  val START: ConfigOption[String] = text("source.init.position").defaultValue("LATEST")
  val BATCH: ConfigOption[Integer] = ConfigOptions.key("sink.batch.max-size").intType.defaultValue(500)

  private def stream(options: ReadableConfig): Stream = {
    val endpoint = options.getOptional(ENDPOINT).orElse(System.getenv("AWS_ENDPOINT_URL"))
    if (endpoint == null) throw new ValidationException("neither aws.endpoint nor AWS_ENDPOINT_URL is set")
    Stream(options.get(ARN), options.get(REGION), endpoint)
  }
}

final class KinesisTableSource(
    stream: Stream,
    start: String,
    format: DecodingFormat[DeserializationSchema[RowData]],
    type_ : DataType
) extends ScanTableSource {
  def getChangelogMode: ChangelogMode = format.getChangelogMode
  def copy: DynamicTableSource = new KinesisTableSource(stream, start, format, type_)
  def asSummaryString: String = "Kinesis"
  def getScanRuntimeProvider(context: ScanTableSource.ScanContext): ScanTableSource.ScanRuntimeProvider =
    SourceProvider.of(new ShardSource(stream, start, format.createRuntimeDecoder(context, type_)))
}

final class KinesisTableSink(
    stream: Stream,
    most: Int,
    format: EncodingFormat[SerializationSchema[RowData]],
    type_ : DataType,
    keys: List[String]
) extends DynamicTableSink
    with SupportsPartitioning {
  def getChangelogMode(requested: ChangelogMode): ChangelogMode = format.getChangelogMode
  def copy: DynamicTableSink = new KinesisTableSink(stream, most, format, type_, keys)
  def asSummaryString: String = "Kinesis"
  def applyStaticPartition(partition: JMap[String, String]): Unit = ()
  def getSinkRuntimeProvider(context: DynamicTableSink.Context): DynamicTableSink.SinkRuntimeProvider = {
    val row = type_.getLogicalType.asInstanceOf[RowType]
    val getters = keys.map(row.getFieldIndex).map(place => RowData.createFieldGetter(row.getTypeAt(place), place))
    SinkV2Provider.of(new RecordSink(stream, most, format.createRuntimeEncoder(context, type_), getters))
  }
}

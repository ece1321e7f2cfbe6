package lake.events

import java.nio.charset.StandardCharsets.UTF_8

import scala.collection.JavaConverters._

import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.core.{JsonFactory, JsonParser, JsonProcessingException, JsonToken}
import org.apache.flink.table.data.{GenericRowData, StringData, TimestampData}
import org.apache.flink.table.types.logical.RowType

/** The reason that an event is malformed, for a person to read. */
final class Malformed(val reason: String) extends RuntimeException(reason, null, false, false)

/** Reads records as rows of a table in the format `events`.
  *
  * @param time the column with the event time
  * @param ahead milliseconds by which an event's time may lie in the future
  */
final class Event(row: RowType, time: String, ahead: Long) {
  import Event._

  private val names = row.getFieldNames.asScala.toIndexedSeq
  private val places = names.zipWithIndex.filterNot(_._1.startsWith("_")).toMap
  private val spellings = places.keys.map(name => name.toLowerCase -> name).toMap
  private val values = names.indices.map(place => Value.of(names(place), row.getTypeAt(place))).toArray
  private val (at, event) = (row.getFieldIndex("_time"), row.getFieldIndex("_event"))
  val reason: Int = row.getFieldIndex("_reason")
  private val timeAt = places(time)
  private val json = new JsonFactory

  def read(record: Array[Byte]): GenericRowData =
    try good(record)
    catch {
      case error: Malformed               => bad(record, error.reason)
      case _: JsonProcessingException     => bad(record, "it is not JSON")
      case _: java.io.CharConversionException => bad(record, "it is not UTF-8 text")
    }

  private def good(record: Array[Byte]): GenericRowData = {
    val into = new GenericRowData(names.length)
    val parser = json.createParser(record)
    parser.nextToken() match {
      case JsonToken.START_OBJECT => fields(parser, into)
      case null                   => throw new Malformed("it is empty")
      case _                      => throw new Malformed("it is not a JSON object")
    }
    if (parser.nextToken() != null) throw new Malformed("there is more than one JSON object in the record")
    into.setField(at, happened(into))
    into.setField(event, StringData.fromBytes(record))
    into
  }

  private def fields(parser: JsonParser, into: GenericRowData): Unit = {
    var spelling: String = null
    while (parser.nextToken() == JsonToken.FIELD_NAME) {
      val name = parser.getCurrentName
      parser.nextToken()
      places.get(name) match {
        case Some(place) => into.setField(place, values(place).read(parser))
        case None =>
          if (spellings.contains(name.toLowerCase)) spelling = name
          parser.skipChildren()
      }
    }
    if (spelling != null && into.isNullAt(places(spellings(spelling.toLowerCase))))
      throw new Malformed(s"${spellings(spelling.toLowerCase)}: the event spells it $spelling")
  }

  private def happened(into: GenericRowData): TimestampData = {
    val said = if (into.isNullAt(timeAt)) throw new Malformed(s"$time: it is missing") else instant(into.getField(timeAt))
    if (said.getMillisecond > System.currentTimeMillis + ahead)
      throw new Malformed(s"$time: $said is more than ${ahead / 1000} s in the future")
    said
  }

  private def instant(value: AnyRef): TimestampData = value match {
    case time: TimestampData => TimestampData.fromEpochMillis(time.getMillisecond)
    case days: Integer       => TimestampData.fromEpochMillis(days.longValue * 86400000L)
  }

  /** Gets the earliest possible time, so that it moves no watermark. */
  private def bad(record: Array[Byte], why: String): GenericRowData = {
    val into = new GenericRowData(names.length)
    into.setField(at, TimestampData.fromEpochMillis(0))
    into.setField(reason, StringData.fromString(why.take(MostReason)))
    into.setField(event, StringData.fromString(new String(record, UTF_8)))
    into
  }
}

object Event {

  /** Characters kept of a reason. */
  private val MostReason = 500
}

package lake.events

import java.math.BigDecimal
import java.time.{DateTimeException, LocalDate, LocalDateTime, ZoneOffset}

import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.core.{JsonParser, JsonToken}
import org.apache.flink.table.data.{DecimalData, StringData, TimestampData}
import org.apache.flink.table.types.logical.{DecimalType, LogicalType, LogicalTypeRoot}

/** Reads a column's value at the parser's token: null for null; throws Malformed for a value of another type. */
trait Value {
  def read(parser: JsonParser): AnyRef
}

object Value {
  def of(column: String, type_ : LogicalType): Value = {
    val kind = type_.asSummaryString.takeWhile(_ != '(').toLowerCase
    val convert = converter(type_)
    parser =>
      parser.currentToken match {
        case JsonToken.VALUE_NULL => null
        case token if token.isScalarValue =>
          try convert(parser.getText)
          catch { case _: NumberFormatException | _: ArithmeticException | _: DateTimeException => refuse(column, kind, parser) }
        case _ =>
          parser.skipChildren()
          throw new Malformed(s"$column: an object or a list is no $kind")
      }
  }

  private def refuse(column: String, kind: String, parser: JsonParser): AnyRef =
    throw new Malformed(s"$column: ${parser.getText.take(100)} is no $kind")

  private def converter(type_ : LogicalType): String => AnyRef = type_.getTypeRoot match {
    case LogicalTypeRoot.VARCHAR                     => StringData.fromString
    case LogicalTypeRoot.BOOLEAN                     => boolean
    case LogicalTypeRoot.TINYINT                     => whole(_).byteValueExact.asInstanceOf[AnyRef]
    case LogicalTypeRoot.SMALLINT                    => whole(_).shortValueExact.asInstanceOf[AnyRef]
    case LogicalTypeRoot.INTEGER                     => whole(_).intValueExact.asInstanceOf[AnyRef]
    case LogicalTypeRoot.BIGINT                      => whole(_).longValueExact.asInstanceOf[AnyRef]
    case LogicalTypeRoot.FLOAT                       => text => finite(number(text).toFloat)
    case LogicalTypeRoot.DOUBLE                      => text => finite(number(text).toDouble)
    case LogicalTypeRoot.DECIMAL                     => decimal(type_.asInstanceOf[DecimalType])
    case LogicalTypeRoot.DATE                        => text => Integer.valueOf(LocalDate.parse(text).toEpochDay.toInt)
    case LogicalTypeRoot.TIMESTAMP_WITHOUT_TIME_ZONE => text => TimestampData.fromEpochMillis(Time.millis(text))
    case other => throw new IllegalArgumentException(s"the format events has no columns of type $other")
  }

  private def boolean(text: String): AnyRef = text match {
    case "true"  => java.lang.Boolean.TRUE
    case "false" => java.lang.Boolean.FALSE
    case _       => throw new NumberFormatException
  }

  private def whole(text: String): BigDecimal = {
    val value = new BigDecimal(text)
    // 1e999999999 is a whole number too, but would need a gigabyte.
    if (value.precision - value.scale > 40) throw new ArithmeticException
    value
  }

  /** Refuses hexadecimal numbers, suffixes and NaN, which JSON does not have. */
  private def number(text: String): String =
    if (text.isEmpty || !(text.last.isDigit || text.last == '.') || text.exists(c => c == 'x' || c == 'X')) throw new NumberFormatException
    else text

  private def finite(value: Double): AnyRef =
    if (java.lang.Double.isInfinite(value)) throw new ArithmeticException else java.lang.Double.valueOf(value)

  private def finite(value: Float): AnyRef =
    if (java.lang.Float.isInfinite(value)) throw new ArithmeticException else java.lang.Float.valueOf(value)

  private def decimal(type_ : DecimalType): String => AnyRef = text => {
    val value = DecimalData.fromBigDecimal(whole(text), type_.getPrecision, type_.getScale)
    if (value == null) throw new ArithmeticException else value
  }
}

/** Event times: ISO 8601 or SQL, with Z, an offset or neither (UTC), or seconds or milliseconds since 1970. */
object Time {
  private val Written =
    """(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?)? ?(Z|z|UTC|[+-]\d\d(?::?\d\d)?)?""".r
  private val Number = """-?\d{1,15}(?:\.\d+)?""".r

  /** A number at or above this counts milliseconds: as seconds, it would be in the year 5138. */
  private val Milliseconds = new BigDecimal("1e11")

  /** Milliseconds since 1970. Throws DateTimeException if the text is not a time. */
  def millis(text: String): Long = text match {
    case Number()           => counted(new BigDecimal(text))
    case Written(parts @ _*) => written(parts.map(Option(_)))
    case _                  => throw new DateTimeException(text)
  }

  private def counted(value: BigDecimal): Long =
    (if (value.abs.compareTo(Milliseconds) < 0) value.movePointRight(3) else value).longValue

  private def written(parts: Seq[Option[String]]): Long = {
    def whole(place: Int) = parts(place).fold(0)(_.toInt)
    val nanoseconds = parts(6).fold(0)(_.padTo(9, '0').toInt)
    val local = LocalDateTime.of(whole(0), whole(1), whole(2), whole(3), whole(4), whole(5), nanoseconds)
    local.toInstant(parts(7).fold(ZoneOffset.UTC)(offset)).toEpochMilli
  }

  private def offset(text: String): ZoneOffset =
    if (text.head == '+' || text.head == '-') ZoneOffset.of(text) else ZoneOffset.UTC
}

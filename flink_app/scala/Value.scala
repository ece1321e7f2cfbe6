package lake.events

import java.math.BigDecimal
import java.time.{DateTimeException, LocalDate, LocalTime, ZoneOffset}

import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.core.{JsonParser, JsonToken}
import org.apache.flink.table.data.{DecimalData, StringData, TimestampData}
import org.apache.flink.table.types.logical.{DecimalType, LogicalType, LogicalTypeRoot}

/** Reads a column's value at the parser's token: null for null; throws Malformed for a value of another type. */
trait Value {
  def read(parser: JsonParser): AnyRef
}

object Value {

  /** More digits than any type has. */
  private val Great = 40

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
    if (magnitude(value) > Great) throw new ArithmeticException
    value
  }

  /** The digits before the point; negative for zeros after it. */
  private def magnitude(value: BigDecimal): Long = value.precision.toLong - value.scale

  /** Refuses hexadecimal numbers, suffixes and NaN, which JSON does not have. */
  private def number(text: String): String =
    if (text.isEmpty || !(text.last.isDigit || text.last == '.') || text.indexOf('x') >= 0 || text.indexOf('X') >= 0)
      throw new NumberFormatException
    else text

  private def finite(value: Double): AnyRef =
    if (java.lang.Double.isInfinite(value)) throw new ArithmeticException else java.lang.Double.valueOf(value)

  private def finite(value: Float): AnyRef =
    if (java.lang.Float.isInfinite(value)) throw new ArithmeticException else java.lang.Float.valueOf(value)

  private def decimal(type_ : DecimalType): String => AnyRef = text => {
    val exact = whole(text)
    // To round 1e-999999999 would take as much. No column has a digit so far behind the point.
    val near = if (magnitude(exact) < -Great) BigDecimal.ZERO else exact
    val value = DecimalData.fromBigDecimal(near, type_.getPrecision, type_.getScale)
    if (value == null) throw new ArithmeticException else value
  }
}

/** Event times: ISO 8601 or SQL, with Z, an offset or neither (UTC), or seconds or milliseconds since 1970. */
object Time {
  private val Number = """-?\d{1,15}(?:\.\d+)?""".r
  private val Offset = """[+-]\d\d(?::?\d\d)?""".r
  private val Day = 24 * 3600 * 1000L

  /** A number at or above this counts milliseconds: as seconds, it would be in the year 5138. */
  private val Milliseconds = new BigDecimal("1e11")

  /** Milliseconds since 1970. Throws DateTimeException if the text is not a time. */
  def millis(text: String): Long =
    if (text.indexOf('-') == 4) written(new Characters(text))
    else if (Number.pattern.matcher(text).matches) counted(new BigDecimal(text))
    else throw new DateTimeException(text)

  private def counted(value: BigDecimal): Long =
    (if (value.abs.compareTo(Milliseconds) < 0) value.movePointRight(3) else value).longValue

  // Without a regular expression for the whole text, which took half of the time for an event.
  private def written(text: Characters): Long = {
    val day = LocalDate.of(text.digits(4), text.after('-').digits(2), text.after('-').digits(2)).toEpochDay
    val time = if (text.isBeforeDigit("T ")) ofDay(text.skipped) else 0L
    day * Day + time - offset(text.skip(" ").rest)
  }

  private def ofDay(text: Characters): Long = {
    val (hour, minute) = (text.digits(2), text.after(':').digits(2))
    val second = if (text.is(":")) text.skipped.digits(2) else 0
    LocalTime.of(hour, minute, second).toSecondOfDay * 1000L + (if (text.is(".,")) text.skipped.milliseconds else 0)
  }

  private def offset(text: String): Long = text match {
    case "" | "Z" | "z" | "UTC" => 0L
    case Offset()               => ZoneOffset.of(text).getTotalSeconds * 1000L
    case _                      => throw new DateTimeException(text)
  }
}

/** Reads a text from its start. Throws DateTimeException where it does not go on as asked. */
private final class Characters(text: String) {
  private var at = 0

  def is(any: String): Boolean = at < text.length && any.indexOf(text.charAt(at)) >= 0
  def isBeforeDigit(any: String): Boolean = is(any) && isDigit(at + 1)
  def rest: String = text.substring(at)
  def skip(any: String): Characters = if (is(any)) skipped else this
  def after(one: Char): Characters = if (at < text.length && text.charAt(at) == one) skipped else refuse

  def skipped: Characters = {
    at += 1
    this
  }

  def digits(count: Int): Int = {
    var (value, end) = (0, at + count)
    while (at < end) value = value * 10 + digit
    value
  }

  /** Of a fraction of a second, whose one to nine digits follow. */
  def milliseconds: Int = {
    val begin = at
    var (value, place) = (0, 100)
    while (isDigit(at) && at < begin + 9) {
      value += place * digit
      place /= 10
    }
    if (at == begin) refuse
    value
  }

  private def digit: Int = {
    if (!isDigit(at)) refuse
    at += 1
    text.charAt(at - 1) - '0'
  }

  private def isDigit(place: Int): Boolean = place < text.length && text.charAt(place) >= '0' && text.charAt(place) <= '9'
  private def refuse: Nothing = throw new DateTimeException(text)
}

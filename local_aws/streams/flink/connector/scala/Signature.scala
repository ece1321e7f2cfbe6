package local_aws.flink

import java.nio.charset.StandardCharsets.UTF_8
import java.security.MessageDigest
import java.time.format.DateTimeFormatter
import java.time.{Instant, ZoneOffset}

import javax.crypto.Mac
import javax.crypto.spec.SecretKeySpec

/** Signs calls of the JSON protocol by AWS's Signature Version 4, with the keys of the environment. */
final class Signature(service: String, region: String, key: String, secret: String, token: Option[String]) {
  import Signature._

  /** The headers of a POST to `/`, including the signature's. Their names are in lower case. */
  def headers(plain: Map[String, String], body: Array[Byte]): Map[String, String] = {
    val time = TIME.format(Instant.now)
    val all = plain ++ token.map("x-amz-security-token" -> _) + ("x-amz-date" -> time)
    val names = all.keys.toSeq.sorted
    val canonical = Seq("POST", "/", "") ++ names.map(name => s"$name:${all(name).trim}") ++
      Seq("", names.mkString(";"), hex(digest(body)))
    val scope = s"${time.take(8)}/$region/$service/aws4_request"
    val text = Seq("AWS4-HMAC-SHA256", time, scope, hex(digest(canonical.mkString("\n").getBytes(UTF_8)))).mkString("\n")
    val steps = Seq(time.take(8), region, service, "aws4_request", text)
    val signature = hex(steps.foldLeft(s"AWS4$secret".getBytes(UTF_8))(mac))
    val credential = s"Credential=$key/$scope, SignedHeaders=${names.mkString(";")}, Signature=$signature"
    all + ("authorization" -> s"AWS4-HMAC-SHA256 $credential")
  }
}

object Signature {
  private val TIME = DateTimeFormatter.ofPattern("yyyyMMdd'T'HHmmss'Z'").withZone(ZoneOffset.UTC)

  def of(service: String, region: String): Signature = {
    val own = System.getenv
    val token = Option(own.get("AWS_SESSION_TOKEN"))
    new Signature(service, region, own.get("AWS_ACCESS_KEY_ID"), own.get("AWS_SECRET_ACCESS_KEY"), token)
  }

  private def digest(bytes: Array[Byte]): Array[Byte] = MessageDigest.getInstance("SHA-256").digest(bytes)

  private def hex(bytes: Array[Byte]): String = bytes.map("%02x".format(_)).mkString

  private def mac(key: Array[Byte], text: String): Array[Byte] = {
    val algorithm = Mac.getInstance("HmacSHA256")
    algorithm.init(new SecretKeySpec(key, "HmacSHA256"))
    algorithm.doFinal(text.getBytes(UTF_8))
  }
}

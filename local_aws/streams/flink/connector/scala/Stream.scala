package local_aws.flink

import java.net.URI
import java.net.http.{HttpClient, HttpRequest, HttpResponse}
import java.time.Duration
import java.util.concurrent.{CompletableFuture, CompletionException}
import java.util.{Map => JMap}

import scala.collection.JavaConverters._

import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.{JsonNode, ObjectMapper}

/** A Kinesis stream and its AWS, called in Kinesis's JSON protocol. */
final case class Stream(arn: String, region: String, endpoint: String) {
  @transient private lazy val client = HttpClient.newBuilder.version(HttpClient.Version.HTTP_1_1).connectTimeout(Duration.ofSeconds(5)).build

  /** The answer to a call. Throws KinesisError if it is refused, IOException if there is no answer. */
  def call(action: String, payload: Map[String, Any]): JsonNode =
    try ask(action, payload).thenApply[JsonNode](Stream.json.readTree(_)).join
    catch { case error: CompletionException => throw error.getCause }

  /** The answer to GetShardIterator or GetRecords, later. */
  def read(action: String, payload: Map[String, Any]): CompletableFuture[Answer] =
    ask(action, payload).thenApply[Answer](Answer.of(_))

  private def ask(action: String, payload: Map[String, Any]): CompletableFuture[Array[Byte]] = {
    val body = Stream.json.writeValueAsBytes((payload + ("StreamARN" -> arn)).asJava)
    client
      .sendAsync(request(action, body), HttpResponse.BodyHandlers.ofByteArray)
      .thenApply[Array[Byte]](answer => checked(action, answer))
  }

  private def request(action: String, body: Array[Byte]): HttpRequest = {
    val uri = URI.create(endpoint + "/")
    val headers = Map(
      "content-type" -> "application/x-amz-json-1.1",
      "host" -> uri.getAuthority,
      "x-amz-target" -> s"Kinesis_20131202.$action"
    )
    val signed = Signature.of("kinesis", region).headers(headers, body) - "host" // the client sends it itself
    val builder = HttpRequest.newBuilder(uri).timeout(Duration.ofSeconds(60))
    signed.foreach { case (name, value) => builder.header(name, value) }
    builder.POST(HttpRequest.BodyPublishers.ofByteArray(body)).build
  }

  private def checked(action: String, answer: HttpResponse[Array[Byte]]): Array[Byte] = {
    if (answer.statusCode / 100 != 2) {
      val said = Stream.json.readTree(answer.body)
      throw new KinesisError(action, said.path("__type").asText.split('#').last, said.path("message").asText)
    }
    answer.body
  }

  /** The ids of all shards, including closed ones that still hold records. */
  def shards: Seq[String] = pages(Map.empty).map(_.get("ShardId").asText)

  private def pages(from: Map[String, String]): Seq[JsonNode] = {
    val page = call("ListShards", from)
    val next = Option(page.get("NextToken")).filterNot(_.isNull).map(_.asText)
    page.get("Shards").asScala.toSeq ++ next.toSeq.flatMap(token => pages(Map("NextToken" -> token)))
  }
}

final class KinesisError(action: String, val kind: String, message: String)
    extends RuntimeException(s"$action: $kind: $message") {

  /** Whether the shard is missing, not its stream: it was closed, and all its records have expired. */
  def isOf(shard: String): Boolean = kind == "ResourceNotFoundException" && message.contains(shard)
}

object Stream {
  val json = new ObjectMapper
}

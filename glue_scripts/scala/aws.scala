/** An error response of AWS: its code, such as EntityNotFoundException, and its message. */
class AwsError(val code: String, message: String) extends Exception(s"$code: $message") with NoStackTrace

/** The API of an AWS service without an SDK: JSON over HTTP, signed with Signature Version 4. */
final class Aws(service: Service, endpoint: URI, region: String, credentials: () => Credentials) {
  private val http =
    HttpClient.newBuilder.version(HttpClient.Version.HTTP_1_1).connectTimeout(Aws.Patience).build()

  /** Call an action. Throws AwsError after retries of transient errors: throttling, a service fault, a lost or silent
    * connection, or another caller's change of the same table.
    */
  def apply(action: String, request: Json.Fields, attempt: Int = 1): Options = {
    val answered = Try(http.send(signed(action, Json.write(request)), HttpResponse.BodyHandlers.ofString))
    answered.map(answer => answer.statusCode -> Aws.body(answer)) match {
      case scala.util.Success((status, body)) if status < 300 => body
      case scala.util.Success((status, body)) =>
        val code = body.text("__type").split("#").last
        val passes = status >= 500 || Aws.Passing.exists(code.startsWith)
        val message = body.text("Message", body.text("message", s"HTTP $status"))
        again(action, request, attempt, passes, new AwsError(code, message))
      case Failure(error) =>
        val silence = s"${service.name} does not answer at $endpoint. Let the job's network reach it"
        val thrown = if (error.isInstanceOf[IOException]) new AwsError("NoAnswer", silence) else error
        again(action, request, attempt, error.isInstanceOf[IOException], thrown)
    }
  }

  private def again(action: String, request: Json.Fields, attempt: Int, passes: Boolean, error: Throwable): Options =
    if (passes && attempt < Aws.Attempts) {
      Thread.sleep(200L << attempt)
      apply(action, request, attempt + 1)
    } else throw error

  private def signed(action: String, body: String): HttpRequest = {
    val key = credentials()
    val time = Aws.Time.format(Instant.now.atOffset(ZoneOffset.UTC))
    val headers = ListMap(
      "content-type" -> "application/x-amz-json-1.1",
      "host" -> endpoint.getAuthority,
      "x-amz-date" -> time
    ) ++ key.token.map("x-amz-security-token" -> _) + ("x-amz-target" -> s"${service.target}.$action")
    val names = headers.keys.mkString(";")
    val canonical = headers.map { case (name, value) => s"$name:$value\n" }.mkString
    val scope = s"${time.take(8)}/$region/${service.name}/aws4_request"
    val asked = Digest.sha256(s"POST\n/\n\n$canonical\n$names\n${Digest.sha256(body)}")
    val secret = scope.split("/").foldLeft(s"AWS4${key.secret}".getBytes(UTF_8))(Digest.hmac)
    val signature = Digest.hex(Digest.hmac(secret, s"AWS4-HMAC-SHA256\n$time\n$scope\n$asked"))
    val proof = s"AWS4-HMAC-SHA256 Credential=${key.id}/$scope, SignedHeaders=$names, Signature=$signature"
    val address = HttpRequest.newBuilder(endpoint.resolve("/")).timeout(Aws.Patience)
    val request = address.POST(HttpRequest.BodyPublishers.ofString(body))
    // Java sets the host header itself and refuses it from callers.
    for ((name, value) <- headers if name != "host") request.header(name, value)
    request.header("authorization", proof).build()
  }
}

/** A service: its name in hosts and signatures, the prefix of its actions, and the variable with its endpoint. */
final case class Service(name: String, target: String, variable: String)

object Aws {
  private val Attempts = 6
  private val Patience = java.time.Duration.ofSeconds(60) // as of boto3, for a connection and for an answer
  private val Passing = Seq("Throttling", "ConcurrentModification")
  private val Time = DateTimeFormatter.ofPattern("yyyyMMdd'T'HHmmss'Z'")
  private val Services = Seq(
    Service("glue", "AWSGlue", "AWS_ENDPOINT_URL_GLUE"),
    Service("secretsmanager", "secretsmanager", "AWS_ENDPOINT_URL_SECRETS_MANAGER")
  )

  /** An answer's fields. What stands before a service answers some failures with no JSON. */
  private def body(answer: HttpResponse[String]): Options =
    Options(Try(Json.read(answer.body)).filter(_ => answer.body.nonEmpty).getOrElse(ListMap.empty))

  /** The client of a service, in the given region or the environment's, at the environment's endpoint if set. */
  def apply(name: String, region: Option[String]): Aws = {
    val place = (region ++ Seq("AWS_REGION", "AWS_DEFAULT_REGION").flatMap(sys.env.get)).headOption
      .getOrElse(throw new JobError("no region: set the argument --aws_region"))
    val suffix = if (place.startsWith("cn-")) "amazonaws.com.cn" else "amazonaws.com"
    val service = Services.find(_.name == name).getOrElse(throw Errors.unknown("service", name, Services.map(_.name)))
    val endpoint = Seq(service.variable, "AWS_ENDPOINT_URL").flatMap(sys.env.get).headOption
    new Aws(service, URI.create(endpoint.getOrElse(s"https://$name.$place.$suffix")), place, () => Credentials.find())
  }
}

object Digest {
  def sha256(text: String): String = hex(MessageDigest.getInstance("SHA-256").digest(text.getBytes(UTF_8)))

  def hmac(key: Array[Byte], text: String): Array[Byte] = {
    val mac = Mac.getInstance("HmacSHA256")
    mac.init(new SecretKeySpec(key, "HmacSHA256"))
    mac.doFinal(text.getBytes(UTF_8))
  }

  def hex(bytes: Array[Byte]): String = bytes.map(byte => f"$byte%02x").mkString
}

final case class Credentials(id: String, secret: String, token: Option[String])

object Credentials {
  private val Sdk2 = "software.amazon.awssdk.auth.credentials.DefaultCredentialsProvider"
  private val Sdk1 = "com.amazonaws.auth.DefaultAWSCredentialsProviderChain"

  /** The environment's credentials, else those that the AWS SDK finds: version 2, or 1 if there is no other.
    *
    * By reflection: Glue has the SDK; the pyspark wheel, which compiles this in tests, does not.
    */
  def find(): Credentials = ofEnvironment
    .orElse(ofSdk(Sdk2, "create", "resolveCredentials", "accessKeyId", "secretAccessKey", "sessionToken"))
    .orElse(ofSdk(Sdk1, "getInstance", "getCredentials", "getAWSAccessKeyId", "getAWSSecretKey", "getSessionToken"))
    .getOrElse(throw new JobError("no AWS credentials: neither in the environment nor by an AWS SDK"))

  private def ofEnvironment: Option[Credentials] =
    for (id <- sys.env.get("AWS_ACCESS_KEY_ID"); secret <- sys.env.get("AWS_SECRET_ACCESS_KEY"))
      yield Credentials(id, secret, sys.env.get("AWS_SESSION_TOKEN"))

  private def ofSdk(provider: String, make: String, find: String, id: String, secret: String, token: String) =
    Try(Class.forName(provider)).toOption.map { class_ =>
      val found = call(class_.getMethod(make).invoke(null), find)
      def text(method: String) = call(found, method).toString
      Credentials(text(id), text(secret), Try(text(token)).toOption)
    }

  private def call(target: AnyRef, method: String): AnyRef = target.getClass.getMethod(method).invoke(target)
}

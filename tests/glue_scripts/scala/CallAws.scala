/** Calls an action of a service with a JSON request, and prints the answer or the error. */
object CallAws {
  def main(args: Array[String]): Unit = {
    val Array(service, action, request) = args
    try println(Json.write(Aws(service, None)(action, Json.read(request)).given))
    catch { case error: AwsError => println(error.getMessage) }
  }
}

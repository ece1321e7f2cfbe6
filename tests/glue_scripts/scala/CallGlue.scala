/** Calls an action of Glue with a JSON request, and prints the answer or the error. */
object CallGlue {
  def main(args: Array[String]): Unit = {
    val Array(action, request) = args
    try println(Json.write(Glue(None)(action, Json.read(request)).given))
    catch { case error: AwsError => println(error.getMessage) }
  }
}

import java.io.{ByteArrayOutputStream, PrintStream}
import java.lang.reflect.InvocationTargetException
import java.nio.charset.StandardCharsets.UTF_8

import scala.util.{Failure, Try}

import org.apache.spark.sql.SparkSession

/** Runs programs in the warm JVM of the tests' Spark: a JVM of its own costs each program 15 seconds. */
object Programs {

  /** The exit code, stdout and stderr of a program. It has its own Spark session. */
  def run(name: String, arguments: Array[String]): Array[String] = {
    val (out, err) = (new ByteArrayOutputStream, new ByteArrayOutputStream)
    val (session, stderr) = (SparkSession.active, System.err)
    SparkSession.setActiveSession(session.newSession())
    System.setErr(new PrintStream(err, true, UTF_8))
    try {
      val ended = Try(Console.withOut(out)(main(name).invoke(null, arguments)))
      ended match {
        case Failure(error: InvocationTargetException) => System.err.println(s"$Uncaught${error.getCause}")
        case other => other.get
      }
      Array(if (ended.isSuccess) "0" else "1", out.toString(UTF_8), err.toString(UTF_8))
    } finally {
      System.setErr(stderr)
      SparkSession.setActiveSession(session)
    }
  }

  private val Uncaught = "Exception in thread \"main\" "

  private def main(name: String) = Class.forName(name).getMethod("main", classOf[Array[String]])
}

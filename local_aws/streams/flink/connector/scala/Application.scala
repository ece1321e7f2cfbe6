package local_aws.flink

import java.nio.file.{Files, Paths}

import org.apache.flink.client.program.StreamContextEnvironment
import org.apache.flink.client.python.PythonDriver
import org.apache.flink.configuration.Configuration
import org.apache.flink.core.execution.DefaultExecutorServiceLoader

/** Runs an application's Python file, unchanged, with a Flink in this process: `CONFIGURATION.json MAIN.py`.
  *
  * As on AWS, Python ends once the job is submitted. This process ends with its parent.
  */
object Application {
  def main(arguments: Array[String]): Unit = {
    val Array(file, script) = arguments
    val settings = Stream.json.readValue(Files.readAllBytes(Paths.get(file)), classOf[java.util.Map[String, String]])
    val configuration = Configuration.fromMap(settings)
    endWithParent()
    val loader = new DefaultExecutorServiceLoader
    StreamContextEnvironment.setAsContext(loader, configuration, getClass.getClassLoader, false, false)
    PythonDriver.main(Array("-py", script))
    Thread.currentThread.join()
  }

  private def endWithParent(): Unit = {
    val watch = new Thread(() => { while (System.in.read() != -1) {}; Runtime.getRuntime.halt(0) }, "parent")
    watch.setDaemon(true)
    watch.start()
  }
}

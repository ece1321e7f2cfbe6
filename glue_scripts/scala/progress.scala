/** Prints a run's progress, at most once a second, as lake_etl/progress.py does. */
final class Progress extends SparkListener {
  private var (rows, last) = (0L, 0L) // last: time of the last line, in milliseconds
  private val running = mutable.TreeMap.empty[Int, (Int, Int)] // stage -> tasks done, all tasks

  override def onStageSubmitted(event: SparkListenerStageSubmitted): Unit =
    running(event.stageInfo.stageId) = (0, event.stageInfo.numTasks)

  override def onStageCompleted(event: SparkListenerStageCompleted): Unit = running -= event.stageInfo.stageId

  override def onTaskEnd(event: SparkListenerTaskEnd): Unit = {
    for (metrics <- Option(event.taskMetrics)) rows += metrics.inputMetrics.recordsRead
    for ((done, tasks) <- running.get(event.stageId) if event.reason == Success)
      running(event.stageId) = (done + 1, tasks)
    for ((stage, (done, tasks)) <- running.headOption if System.currentTimeMillis - last >= 1000) {
      last = System.currentTimeMillis
      println(Progress.Line.formatLocal(Locale.ROOT, stage, done, tasks, rows))
    }
  }
}

object Progress {
  private val Line = "LAKE_PROGRESS stage %d: %d of %d tasks, %,d rows read"
}

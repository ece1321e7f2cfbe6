/** What a table may do to a load: triggers or rules that keep rows out or undeleted, and tables changed by cascades. */
final class DatabaseTarget(session: Session, table: String) {
  private val quoted = Quoted.table(table)

  /** Throw JobError if a truncate would change another table, or would not see all rows of this one. */
  def checkTruncate(): Unit = {
    val isNone = "SELECT 1 FROM pg_class WHERE oid = to_regclass(?) AND relkind NOT IN ('r', 'p')"
    if (session.rows(isNone, quoted).nonEmpty)
      throw new JobError("truncate needs a table, and this is not one. Name the table that holds its rows")
    for (List(child, name, action) <- session.rows(DatabaseTarget.Children, quoted))
      throw new JobError(
        s"truncate would change rows of $child, which refers to it with ON DELETE $action (constraint $name). " +
          "Use upsert, or change the constraint to ON DELETE NO ACTION"
      )
    if (session.rows("SELECT 1 WHERE row_security_active(CAST(to_regclass(?) AS oid))", quoted).nonEmpty)
      throw new JobError(
        "row-level security may hide rows of it from this user, and truncate would leave them. " +
          "Use another user, or upsert"
      )
  }

  /** Delete all rows. TRUNCATE would block readers, and show an empty table to older snapshots. */
  def empty(): Unit = {
    session.execute(s"DELETE FROM $quoted")
    for (left <- session.rows(s"SELECT count(*) FROM $quoted HAVING count(*) > 0").flatten)
      throw new JobError(
        s"$left rows are left after the DELETE: $keptBy, or another program adds some. " +
          "Nothing is changed. Drop that, or use upsert"
      )
  }

  /** Insert the rows of a query into columns (name -> type), replacing rows with the same keys, if there are any.
    *
    * Throws JobError unless all of them arrive, by the counts of the statements.
    */
  def insert(columns: ListMap[String, String], given: String, keys: Seq[String], rows: Long): Unit = {
    val into = Quoted.columns(columns.keys.toSeq)
    val counted = session.execute(s"INSERT INTO $quoted ($into) $given${onConflict(columns.keys.toSeq, keys)}")
    val arrived = if (counted != rows && keys.nonEmpty) rows - missing(columns, given, keys) else counted
    if (arrived != rows)
      throw new JobError(
        s"$arrived of $rows rows arrived: $keptBy. Nothing is changed. " +
          "Drop that, filter these rows in a step, or write into the table that they belong to"
      )
  }

  private def onConflict(columns: Seq[String], keys: Seq[String]): String = if (keys.isEmpty) "" else {
    val others = columns.filterNot(keys.contains).map(Quoted.column)
    val changes = others.map(column => s"$column = EXCLUDED.$column")
    val effect = if (changes.isEmpty) "NOTHING" else s"UPDATE SET ${changes.mkString(", ")}"
    s" ON CONFLICT (${Quoted.columns(keys)}) DO $effect"
  }

  /** The number of missing rows. An upsert does not report rows that needed no change, but they are present. */
  private def missing(columns: ListMap[String, String], given: String, keys: Seq[String]): Long = {
    val same = keys.map(Quoted.column).map(key => s"kept.$key = given.$key") ++
      columns.toSeq.filterNot { case (name, _) => keys.contains(name) }.map { case (name, type_) =>
        val column = Quoted.column(name)
        s"CAST(kept.$column AS text) IS NOT DISTINCT FROM CAST(CAST(given.$column AS $type_) AS text)"
      }
    val there = s"SELECT FROM $quoted AS kept WHERE ${same.mkString(" AND ")}"
    session.rows(s"SELECT count(*) FROM ($given) AS given WHERE NOT EXISTS ($there)").head.head.toLong
  }

  /** What may have kept rows out or undeleted. */
  private def keptBy: String = {
    val names = Option(session.rows(DatabaseTarget.Programs, quoted).head.head)
    s"a trigger or rule of the table keeps rows${names.fold("")(names => s" ($names)")}"
  }
}

object DatabaseTarget {
  // The table, and its partitions and child tables, whose rows are its rows too.
  private val Tree =
    "WITH RECURSIVE tree AS (SELECT CAST(to_regclass(?) AS oid) AS oid " +
      "UNION SELECT inhrelid FROM pg_inherits JOIN tree ON inhparent = tree.oid) "
  private val Children =
    s"${Tree}SELECT format('%s.%s', nspname, relname), conname, CASE confdeltype WHEN 'c' THEN 'CASCADE' " +
      "WHEN 'n' THEN 'SET NULL' ELSE 'SET DEFAULT' END FROM pg_constraint JOIN pg_class ON pg_class.oid = conrelid " +
      "JOIN pg_namespace ON pg_namespace.oid = relnamespace " +
      "WHERE contype = 'f' AND confdeltype IN ('c', 'n', 'd') " +
      "AND confrelid IN (SELECT oid FROM tree) AND conrelid NOT IN (SELECT oid FROM tree) ORDER BY conrelid LIMIT 1"
  private val Programs =
    s"${Tree}SELECT string_agg(name, ', ' ORDER BY name) FROM (" +
      "SELECT tgname AS name FROM pg_trigger WHERE tgrelid IN (SELECT oid FROM tree) AND NOT tgisinternal " +
      "UNION SELECT rulename FROM pg_rewrite WHERE ev_class IN (SELECT oid FROM tree) AND rulename <> '_RETURN') " +
      "AS found"
}

-- Events that no window counts, malformed or late, each once and with its reason. So many characters of an event, as
-- JSON and with its reason, fit into a record of 1 MiB.
INSERT INTO rejected
SELECT
  CASE WHEN `_reason` IS NULL THEN 'late' ELSE 'malformed' END,
  COALESCE(`_reason`, 'it is older than the newest event by more than {lateness_seconds} s'),
  LEFT(`_event`, 131072),
  CASE WHEN `_reason` IS NULL THEN CAST(`_time` AS TIMESTAMP(3)) END,
  CAST(LOCALTIMESTAMP AS TIMESTAMP(3))
FROM judged
WHERE `_reason` IS NOT NULL OR CAST(`_time` AS TIMESTAMP(3)) < `_oldest`

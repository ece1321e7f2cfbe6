-- Events that no window counts, malformed or late, each once and with its reason.
INSERT INTO rejected
SELECT
  CASE WHEN `_reason` IS NULL THEN 'late' ELSE 'malformed' END,
  COALESCE(`_reason`, 'it is older than the newest event by more than {lateness_seconds} s'),
  `_event`,
  CASE WHEN `_reason` IS NULL THEN CAST(`_time` AS TIMESTAMP(3)) END,
  CAST(LOCALTIMESTAMP AS TIMESTAMP(3))
FROM judged
WHERE `_reason` IS NOT NULL OR CAST(`_time` AS TIMESTAMP(3)) < `_oldest`

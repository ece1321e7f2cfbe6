-- Adds to each event the newest event time so far. It is state, so it survives a failure, unlike Flink's own watermark.
-- An event that is late by it is before the watermark, so windows never drop an event of on_time.
CREATE TEMPORARY VIEW judged AS
SELECT *, MAX(CAST(`_time` AS TIMESTAMP(3))) OVER (
  ORDER BY `_arrival` ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
) - {lateness} AS `_oldest`
FROM events

-- Beside each event the newest time so far, which is state and so outlives a failure: Flink's own watermark does not.
-- Who is late by it comes before the watermark; so no window drops an event of on_time.
CREATE TEMPORARY VIEW judged AS
SELECT *, MAX(CAST(`_time` AS TIMESTAMP(3))) OVER (
  ORDER BY `_arrival` ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
) - {lateness} AS `_oldest`
FROM events

CREATE TEMPORARY VIEW `{name}.results` AS
SELECT window_start, window_end, {results}
FROM TABLE(TUMBLE(TABLE {view}, DESCRIPTOR(`_time`), {seconds}))
GROUP BY window_start, window_end{by}

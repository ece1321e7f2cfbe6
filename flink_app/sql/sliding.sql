CREATE TEMPORARY VIEW `{name}.results` AS
SELECT window_start, window_end, {results}
FROM TABLE(HOP(TABLE {view}, DESCRIPTOR(`_time`), {every}, {seconds}))
GROUP BY window_start, window_end{by}

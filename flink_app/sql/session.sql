CREATE TEMPORARY VIEW `{name}.results` AS
SELECT window_start, window_end, {results}
FROM TABLE(SESSION(TABLE {view}{partition}, DESCRIPTOR(`_time`), {gap}))
GROUP BY window_start, window_end{by}

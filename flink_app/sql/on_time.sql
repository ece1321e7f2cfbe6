CREATE TEMPORARY VIEW on_time AS
SELECT * FROM judged
WHERE `_reason` IS NULL AND CAST(`_time` AS TIMESTAMP(3)) >= `_oldest`

CREATE TEMPORARY VIEW `{name}.events` AS SELECT * FROM on_time WHERE {filter}

CREATE TEMPORARY VIEW `{name}_events` AS SELECT * FROM on_time WHERE {filter}

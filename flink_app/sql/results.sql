INSERT INTO `{table}` SELECT * FROM `{name}.results`

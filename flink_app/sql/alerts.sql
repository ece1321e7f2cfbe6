INSERT INTO `{name}.alerts` SELECT * FROM `{name}.results` WHERE {alert}

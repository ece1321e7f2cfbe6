-- The tables of the raw zone. Each file here is a named query: `lake query --name tables`
SHOW TABLES IN `$${raw}`

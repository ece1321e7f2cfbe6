"""Translates the analysed statement to DuckDB's SQL, driven by the tables of functions, operators and casts."""

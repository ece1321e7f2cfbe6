"""The analysed statement as DuckDB's text: only what the tables of functions, operators and casts say."""

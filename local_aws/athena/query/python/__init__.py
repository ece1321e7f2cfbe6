"""Functions of Athena that DuckDB has no counterpart of, over Python's values."""

"""Files, tables and queries of a lake."""

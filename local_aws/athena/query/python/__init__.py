"""Athena functions without a DuckDB counterpart, implemented on Python values."""

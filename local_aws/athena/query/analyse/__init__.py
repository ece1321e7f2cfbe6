"""The meaning of a statement: names resolved and every expression given its Trino type."""

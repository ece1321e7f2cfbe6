"""Analyses a statement: resolves names and gives every expression its Trino type."""

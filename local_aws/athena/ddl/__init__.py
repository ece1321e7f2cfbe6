"""Statements about the catalog, read by a grammar: what is left over after parsing is an error."""

"""The grammar of statements about the catalog. Input left over after parsing is an error."""

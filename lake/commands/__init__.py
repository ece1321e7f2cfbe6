"""The commands of `lake`, a file a subject."""

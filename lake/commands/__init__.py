"""The commands of `lake`, one file per subject."""

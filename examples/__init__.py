"""The sample lake: real, public data, and a run of the whole."""

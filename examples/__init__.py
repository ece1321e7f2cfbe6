"""The sample lake: real, public data, and a demo that uses all of it."""

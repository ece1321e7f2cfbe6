"""The embedded AWS, as the `lake` command starts and reaches it."""

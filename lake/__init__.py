"""The `lake` command, and the configuration and names that it shares with the stacks."""

__version__ = "0.2.0"

"""What people and CI run: the configuration, the names, the `lake` command."""

__version__ = "0.2.0"

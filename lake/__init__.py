"""What people and CI run: the configuration, the names, the `lake` command."""

"""`python -m lake` is the `lake` command."""

from lake.cli import main

main()

"""The app of the cdktf CLI."""

from stacks.app import main

main()

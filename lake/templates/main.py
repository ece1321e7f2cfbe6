"""The app of the cdktf CLI: the stacks of lake.yaml."""

from stacks.app import main

main()

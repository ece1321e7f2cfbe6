"""The app of the cdktf CLI: the stacks of lake.yaml. Stacks of your own go between these lines."""

from stacks.app import main

main()

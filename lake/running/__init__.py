"""Runs, follows and previews jobs and workflows, and shows their results."""

"""Starts the embedded AWS and connects to it."""

"""Streams of events: an engine a folder."""

"""Streams of events on the embedded AWS, an engine a service."""

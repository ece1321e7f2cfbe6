"""Event streams of the embedded AWS, one engine per service."""

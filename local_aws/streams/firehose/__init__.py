"""Firehose: records on their way to S3."""

"""The embedded AWS, for the commands that ask it."""

from tests.local_aws.conftest import aws, endpoint

__all__ = ["aws", "endpoint"]

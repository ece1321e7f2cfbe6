"""What the ml stack deploys, used before it is there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import ClientError

from lake.aws import error_code
from lake.errors import LakeError


@contextmanager
def needing(what: str, code: str = "ResourceNotFound") -> Iterator[None]:
    """Around calls that answer with `code` where `what` is not there. Raises LakeError then, with the way out."""
    try:
        yield
    except ClientError as error:
        if error_code(error) != code:
            raise
        raise LakeError(f"{what} is not there. Deploy it first: `lake up ml`") from None

"""Reasons for failures, for a person to read: without class names and library messages, which are for the log."""

from __future__ import annotations

from botocore.exceptions import ClientError


def reason(error: BaseException) -> str:
    """Return the reason for an unexpected error, in a few words.

    >>> reason(OSError(errno.ENOSPC, "No space left on device"))
    'no space left on device'
    """
    if isinstance(error, ClientError):
        refusal = error.response.get("Error", {})
        return f"{refusal.get('Code', 'refused')}: {refusal.get('Message', 'AWS gave no reason')}"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror[:1].lower() + error.strerror[1:]
    if isinstance(error, MemoryError):
        return "there is not enough memory"
    return "an error of the embedded AWS itself, which its log has in full"

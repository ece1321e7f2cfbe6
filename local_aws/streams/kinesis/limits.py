"""The write limit of a shard per second, if enforced: as on AWS, 1,000 records and 1 MiB."""

from __future__ import annotations

import time

RECORDS_A_SECOND = 1000
BYTES_A_SECOND = 1024 * 1024


class Allowance:
    """The remaining allowance of one shard. It refills over time, up to one second's worth."""

    def __init__(self) -> None:
        self._records, self._bytes = float(RECORDS_A_SECOND), float(BYTES_A_SECOND)
        self._at = time.monotonic()

    def takes(self, size: int) -> bool:
        """Whether a record of this many bytes is within it; if so, subtract the record."""
        self._refill()
        if self._records < 1 or self._bytes < size:
            return False
        self._records -= 1
        self._bytes -= size
        return True

    def _refill(self) -> None:
        moment = time.monotonic()
        passed, self._at = moment - self._at, moment
        self._records = min(RECORDS_A_SECOND, self._records + passed * RECORDS_A_SECOND)
        self._bytes = min(BYTES_A_SECOND, self._bytes + passed * BYTES_A_SECOND)

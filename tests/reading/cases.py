"""Small files of every format and dialect and their rows, for all readers of the lake."""

from tests.reading.bad_cases import BAD_CASES
from tests.reading.binary_cases import BINARY_CASES
from tests.reading.case import Case
from tests.reading.csv_cases import CSV_CASES
from tests.reading.export_cases import EXPORT_CASES
from tests.reading.json_cases import DOCUMENT_CASES, JSON_CASES, PARTITION_CASES
from tests.reading.writer_cases import WRITER_CASES

__all__ = ["CASES", "Case"]
CASES = (
    JSON_CASES | DOCUMENT_CASES | PARTITION_CASES | CSV_CASES | BINARY_CASES | BAD_CASES | EXPORT_CASES | WRITER_CASES
)

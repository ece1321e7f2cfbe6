import csv
import hashlib
from collections import Counter
from collections.abc import Callable, Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import DataFrame

from lake_etl.errors import JobError
from lake_etl.transforms.find_matches import find_matches

Rows = Callable[..., DataFrame]

SCHEMA = "person int, given string, surname string, born date, street string, postcode string"
OPTIONS = {
    "id": "person",
    "columns": {"given": "name", "surname": "name", "born": "date", "street": "address", "postcode": "code"},
}

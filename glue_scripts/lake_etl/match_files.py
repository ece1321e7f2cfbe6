"""find_matches for a Scala job: the model is Python, so the records are exchanged as files.

`python -m lake_etl.match_files FOLDER` reads from FOLDER
    options.json  the step's options
    new.json      the records, one per line: _id and the compared columns, as text
    known.json    if present, the known records, with `_known` and match_confidence_score as well
and writes matches.json: _id, match_id, match_confidence_score of each record.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pyarrow as pa

from lake_etl.errors import JobError
from lake_etl.transforms.find_matches import SCORE, matching_of


def main() -> None:
    """On an error, the last line of stderr is the reason and the exit code is 1."""
    try:
        match_files(Path(sys.argv[1]))
    except JobError as error:
        sys.exit(str(error))


def match_files(folder: Path) -> None:
    """Match the records in the folder. Raises JobError as find_matches does."""
    matching = matching_of(json.loads((folder / "options.json").read_text()))
    from lake_etl.matching import match_with_known

    columns = ["_id", "_known", *matching.columns]
    new = _table(folder / "new.json", columns)
    known = folder / "known.json"
    old = _table(known, [*columns, SCORE]) if known.exists() else None
    rows = match_with_known(new, old, matching).to_pylist()
    (folder / "matches.json").write_text("".join(f"{json.dumps(row)}\n" for row in rows))


def _table(file: Path, columns: list[str]) -> pa.Table:
    with file.open() as lines:
        rows = [json.loads(line) for line in lines]
    return pa.Table.from_pylist(rows, pa.schema([(name, pa.string()) for name in columns]))


if __name__ == "__main__":
    main()

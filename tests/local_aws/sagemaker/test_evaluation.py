"""An evaluation gives the model what a batch transform gives it, and figures that hold, in SageMaker's environment."""

from __future__ import annotations

import json
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from local_aws.sagemaker.home import environment_folder
from tests.local_aws.sagemaker.conftest import need_framework

SCRIPTS = Path(__file__).parents[3] / "ml_scripts"
COLUMNS = {"late": "int", "early": "boolean", "stops": "bigint", "seen": "timestamp", "code": "string"}
MANIFEST = {"label": "late", "features": ["early", "stops", "seen", "code"], "columns": COLUMNS}
LARGE = 2**53 + 1
SEEN = datetime(2013, 1, 1, 5, tzinfo=UTC)
TRANSFORMED = f"1,{LARGE},2013-01-01 05:00:00.000000,007\n,,,NA\n"
"""The rows as glue_scripts/lake_etl/training writes them for a transform: a null is empty."""


def evaluated(body: str, *arguments: Any) -> Any:
    """What a body with `evaluate` and `given` at hand leaves in `found`."""
    need_framework()
    program = f"import json, sys, evaluate\nfrom pathlib import Path\ngiven = json.loads(sys.argv[1])\n{body}\n"
    command = [str(environment_folder() / "bin/python"), "-c", program + "print(json.dumps(found))"]
    done = subprocess.run(
        [*command, json.dumps(arguments)], env={"PYTHONPATH": str(SCRIPTS)}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def write_parquet(folder: Path) -> None:
    values = {
        "late": pa.array([1, 0], pa.int32()),
        "early": pa.array([True, None]),
        "stops": pa.array([LARGE, None], pa.int64()),
        "seen": pa.array([SEEN, None], pa.timestamp("us", tz="UTC")),
        "code": ["007", "NA"],
    }
    parquet.write_table(pa.table(values), folder / "test.parquet")


def write_csv(folder: Path) -> None:
    label, lines = ("1,", "0,"), TRANSFORMED.splitlines(keepends=True)
    (folder / "test.csv").write_text("".join(first + line for first, line in zip(label, lines, strict=True)))


@pytest.mark.parametrize("write", [write_parquet, write_csv])
def test_a_model_gets_the_rows_that_a_transform_would_give_it(tmp_path: Path, write: Any) -> None:
    write(tmp_path)

    body = """
folder, manifest = given
rows = evaluate.part(Path(folder), manifest)
found = [evaluate.as_csv(rows[manifest["features"]], manifest["columns"]), [int(late) for late in rows["late"]]]
"""
    assert evaluated(body, str(tmp_path), MANIFEST) == [TRANSFORMED, [1, 0]]


def test_equal_scores_are_in_one_bin_of_the_calibration() -> None:
    body = """
import numpy as np
truth, scores = map(np.array, given)
found = evaluate.calibration(truth, scores)
"""
    sorted_by_label = [0] * 9 + [0] * 6 + [1] * 1 + [1] * 4
    scores = [0.1] * 9 + [0.4] * 6 + [0.1] + [0.4] * 4

    assert evaluated(body, sorted_by_label, [0.3] * 20) == [[pytest.approx(0.3), 0.25, 20]]
    assert evaluated(body, sorted_by_label, scores) == [
        [pytest.approx(0.1), pytest.approx(0.1), 10],
        [pytest.approx(0.4), pytest.approx(0.4), 10],
    ]


def test_a_baseline_takes_infinite_and_missing_numbers() -> None:
    body = """
import numpy as np
import pandas as pd
ratio = pd.Series([1.0, 2.0, np.inf, np.inf], dtype="Float64")
train = pd.DataFrame({"late": [0, 0, 1, 1], "ratio": ratio})
test = pd.DataFrame({"late": [0, 1], "ratio": pd.Series([None, None], dtype="Float64")})
manifest = {"label": "late", "features": ["ratio"]}
found = evaluate.baselines(manifest, train, test, np.array([0, 1]))["one_feature"]
"""
    assert evaluated(body) == {"says": "ratio", "auc": 0.5}

"""A model that cannot be trained, or is not good enough, is told by its reason, and nothing is registered."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from lake.configuration.names import Names
from lake.configuration.reading import load
from lake.errors import LakeError
from lake.running import models
from stacks.ml_pipeline import Places, definition
from tests.local_aws.sagemaker.conftest import IMAGE, need_framework, packed

ROOT = Path(__file__).parents[3]
NAMES = Names("parcels", "local", "us-east-1", "000000000000")
BUCKET, VERSION = NAMES.bucket("ml"), "v1"
PARTS = ("train", "validation", "test")
LAKE_YAML = """
project: parcels
environments: {local: {endpoint: "http://127.0.0.1:4566", region: us-east-1}}
datasets: {orders: {format: json}}
training_sets:
  returns:
    {from: orders, entity: id, time: at, label: returned, split: {by: hash}}
models:
  %s: {training_set: returns, script: train.py, at_least: %s, max_minutes: 7}
"""
TRAIN = """
import io, os, pathlib, shutil
import pandas as pd

def train():
    folder = pathlib.Path(os.environ["SM_MODEL_DIR"])
    (folder / "model.txt").write_text("weight")
    (folder / "code").mkdir()
    shutil.copy(__file__, folder / "code")

def model_fn(folder):
    return (pathlib.Path(folder) / "model.txt").read_text()

def input_fn(body, content_type):
    return pd.read_csv(io.StringIO(body), header=None)

def predict_fn(rows, model):
    return rows[0] / 40

if __name__ == "__main__":
    train()
"""
SECONDS = 5
"""What stands for `max_minutes` here."""


@pytest.fixture(scope="module")
def lake(aws: Callable[[str], Any], tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Any]:
    """Deploys a model by the definition of its stack, on a published training set whose weight tells the label."""
    need_framework()
    s3, sagemaker = aws("s3"), aws("sagemaker")
    s3.create_bucket(Bucket=BUCKET)
    s3.upload_file(str(ROOT / "ml_scripts/evaluate.py"), BUCKET, "scripts/evaluate.py")
    publish(s3)

    def deployed(name: str, script: str = TRAIN, at_least: float = 0.6) -> Any:
        folder = tmp_path_factory.mktemp(name)
        (folder / "lake.yaml").write_text(LAKE_YAML % (name, at_least))
        (folder / "train.py").write_text(script)
        lake = load(folder / "lake.yaml")
        s3.put_object(Bucket=BUCKET, Key=f"code/{name}/sourcedir.tar.gz", Body=packed("train.py", script))
        places = Places(NAMES, IMAGE, f"s3://{BUCKET}/code/{name}/", f"s3://{BUCKET}/scripts/")
        text = json.dumps(definition(name, lake.config.models[name], places))
        sagemaker.create_model_package_group(ModelPackageGroupName=NAMES.model(name))
        sagemaker.create_pipeline(
            PipelineName=NAMES.model(name),
            PipelineDefinition=text.replace('"MaxRuntimeInSeconds": 420', f'"MaxRuntimeInSeconds": {SECONDS}')
            if "while True" in script
            else text,
            RoleArn=NAMES.role_arn("ml-pipeline"),
            ClientRequestToken="t" * 32,
        )
        return SimpleNamespace(lake=lake, names=NAMES, s3=s3, sagemaker=sagemaker)

    return deployed


def publish(s3: Any) -> None:
    """Forty rows a part, of which the heavier half came back."""
    root = f"training-sets/returns/{VERSION}"
    for part in PARTS:
        rows = pd.DataFrame({"returned": [int(weight >= 20) for weight in range(40)], "weight": range(40)})
        body = io.BytesIO()
        rows.to_parquet(body, index=False)
        s3.put_object(Bucket=BUCKET, Key=f"{root}/{part}/{part}.parquet", Body=body.getvalue())
    manifest = {"name": "returns", "version": VERSION, "label": "returned", "features": ["weight"]}
    manifest |= {"columns": {"returned": "int", "weight": "double"}}
    s3.put_object(Bucket=BUCKET, Key=f"{root}/manifest.json", Body=json.dumps(manifest).encode())
    s3.put_object(
        Bucket=BUCKET, Key="training-sets/returns/latest.json", Body=json.dumps({"version": VERSION}).encode()
    )


def silent(*state: str) -> None:
    return None


def test_a_model_that_is_good_enough_is_registered(lake: Callable[..., Any]) -> None:
    aws = lake("good")

    made = models.train(aws, "good", silent)

    assert (made["version"], made["auc"], made["training_set"]) == (1, 1.0, f"returns {VERSION}")
    assert [one["version"] for one in models.versions(aws, "good")] == [1]


BAD: dict[str, tuple[str, str]] = {
    # name: the script, and what is told
    "fails": (TRAIN.replace("    train()", "    raise ValueError('no such column')"), "ValueError: no such column"),
    "never-ends": (TRAIN.replace("    train()", "    while True: pass"), "longer than max_minutes, 7"),
    "no-model": (TRAIN.replace("    train()", "    pass"), "Evaluate: .*the training script wrote no model"),
    "no-code": (TRAIN.replace("    shutil.copy", "    print"), r"the model has no code/train\.py"),
    "no-input-fn": (TRAIN.replace("def input_fn", "def input_of"), r"train\.py has no input_fn"),
    "no-share": (TRAIN.replace("/ 40", "* 2"), "and not one from 0 to 1 for each of 40 rows"),
    "too-few": (TRAIN.replace("/ 40", "[:7] / 40"), r"answers \(7,\) numbers, and not one from 0 to 1"),
    "turned-around": (TRAIN.replace("rows[0] / 40", "1 - rows[0] / 40"), "auc on the test part is below at_least 0.6"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_model_that_is_not_is_told_why(lake: Callable[..., Any], name: str) -> None:
    script, says = BAD[name]
    aws = lake(name.replace("-", "_"), script)

    with pytest.raises(LakeError, match=rf"(?s){name.replace('-', '_')} was not registered: .*{says}"):
        models.train(aws, name.replace("-", "_"), silent)

    assert models.versions(aws, name.replace("-", "_")) == []


def test_a_model_whose_training_set_has_gone_is_told(lake: Callable[..., Any]) -> None:
    aws = lake("gone")
    root = f"training-sets/returns/{VERSION}"
    try:
        aws.s3.delete_object(Bucket=BUCKET, Key=f"{root}/train/train.parquet")
        with pytest.raises(LakeError, match=r"gone was not registered: Train: .*No S3 objects found under .*v1/train/"):
            models.train(aws, "gone", silent)
        aws.s3.delete_object(Bucket=BUCKET, Key=f"{root}/manifest.json")
        with pytest.raises(LakeError, match=r"the training set returns is not there. Build it: `lake dataset build"):
            models.train(aws, "gone", silent)
    finally:
        publish(aws.s3)

    assert models.versions(aws, "gone") == []

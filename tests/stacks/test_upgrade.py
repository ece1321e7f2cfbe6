"""An upgrade from the last release keeps the data: nothing that holds any is replaced or destroyed.

`release.json` is what the last release synthesised of the sample lake, as far as it holds data. After a release it is
written anew: `python -m tests.stacks.test_upgrade cdktf.out`, with that release's synthesis of the environment `local`.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.stacks.conftest import Stacks

FILE = Path(__file__).with_name("release.json")
REPLACES = {
    "aws_s3_bucket": {"bucket", "bucket_prefix", "object_lock_enabled"},
    "aws_kms_key": {"customer_master_key_spec", "custom_key_store_id", "key_usage", "multi_region", "xks_key_id"},
    "aws_kms_alias": {"name", "name_prefix"},
    "aws_kinesis_stream": {"name"},
    "aws_kinesis_firehose_delivery_stream": {"name", "kinesis_source_configuration", "destination"},
    "aws_kinesisanalyticsv2_application": {"name", "application_mode", "runtime_environment"},
    "aws_glue_catalog_database": {"name", "catalog_id", "target_database"},
    "aws_glue_catalog_table": {"name", "catalog_id", "database_name"},
    "aws_secretsmanager_secret": {"name", "name_prefix"},
    "aws_sqs_queue": {"name", "name_prefix", "fifo_queue"},
    "aws_athena_workgroup": {"name"},
}
"""What holds data, or the way to it, and the arguments whose change makes the provider replace it, by its docs."""
RELEASED: Stacks = json.loads(FILE.read_text()) if FILE.exists() else {}
HELD = [(stack, type_, name) for stack in RELEASED for type_ in RELEASED[stack] for name in RELEASED[stack][type_]]


def held(stacks: Stacks) -> Stacks:
    """Of each stack, the resources that hold data: type, name, arguments that replace it."""
    return {
        stack: {
            type_: {
                name: {argument: body[argument] for argument in sorted(REPLACES[type_] & set(body))}
                for name, body in resources.items()
            }
            for type_, resources in document["resource"].items()
            if type_ in REPLACES
        }
        for stack, document in stacks.items()
    }


def test_the_release_held_data() -> None:
    assert {"aws_s3_bucket", "aws_kms_key", "aws_kinesis_stream", "aws_glue_catalog_table"} <= {
        type_ for _, type_, _ in HELD
    }
    assert len(HELD) > 15


@pytest.mark.parametrize(("stack", "type_", "name"), HELD, ids=lambda part: str(part))
def test_what_holds_data_stays_at_its_address_and_is_not_replaced(
    local: Stacks, stack: str, type_: str, name: str
) -> None:
    before: dict[str, Any] = RELEASED[stack][type_][name]
    now = held(local)[stack][type_]
    assert name in now, f"{type_}.{name} of {stack} would be destroyed: it needs a `moved` block"
    assert now[name] == before


@pytest.mark.parametrize("purpose", ["raw", "curated", "quarantine"])
def test_in_an_environment_that_is_not_destroyable_a_zone_cannot_be_destroyed_at_all(
    prod: Stacks, purpose: str
) -> None:
    buckets = prod["storage"]["resource"]["aws_s3_bucket"].values()
    (bucket,) = [bucket for bucket in buckets if bucket["bucket"].startswith(f"flights-prod-{purpose}-")]
    assert bucket["lifecycle"] == {"prevent_destroy": True}


if __name__ == "__main__":
    folders = sorted(Path(sys.argv[1]).glob("stacks/*/cdk.tf.json"))
    documents = {file.parent.name: json.loads(file.read_text()) for file in folders}
    FILE.write_text(json.dumps(held(documents), indent=1, sort_keys=True) + "\n")

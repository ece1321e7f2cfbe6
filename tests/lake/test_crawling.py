"""`lake crawl`: a crawl that does not find the dataset's table, and it alone, fails."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.lake.commands import Prompt

NAMES = ("good", "mixed", "blank", "nothing")
DATASETS = "\ndatasets:\n" + "".join(f"  {name}: {{format: json}}\n" for name in NAMES)
BUCKET, DATABASE = "reef-local-raw-000000000000", "reef_local_raw"
FILES = {
    "good/a.json": '{"id": 1}\n',
    "mixed/one/a.json": '{"id": 1}\n',
    "mixed/two/a.csv": "name,town\nann,ulm\n",
    "blank/a.bin": "\0\0\0\0",
}


@pytest.fixture(scope="module")
def crawlers(aws: Callable[[str], Any]) -> None:
    """A dataset that is one table, one that is two, one whose file is nothing a crawler knows, and one of no files."""
    s3, glue = aws("s3"), aws("glue")
    s3.create_bucket(Bucket=BUCKET)
    glue.create_database(DatabaseInput={"Name": DATABASE})
    for key, body in FILES.items():
        s3.put_object(Bucket=BUCKET, Key=key, Body=body.encode())
    for name in NAMES:
        targets = {"S3Targets": [{"Path": f"s3://{BUCKET}/{name}/"}]}
        glue.create_crawler(Name=f"reef-local-{name}", Role="r", DatabaseName=DATABASE, Targets=targets)


def test_a_crawl_without_columns_or_with_other_tables_fails_with_advice(
    crawlers: None, prompt: Callable[..., Prompt]
) -> None:
    done = prompt("reef", DATASETS).lake("crawl", "--json")

    shown = {line["dataset"]: (line["status"], line["message"]) for line in done.json}
    see = "See `lake crawl --dry-run {}`, and correct or delete (`lake rm`) the files that do not belong there"
    assert done.code == 1
    assert shown == {
        "good": ("SUCCEEDED", ""),
        "mixed": (
            "FAILED",
            f"it made 2 tables, but a dataset is one table: one, two. {see.format('mixed')}"
            ", then `lake query --database raw 'DROP TABLE one'`",
        ),
        "blank": ("FAILED", f"it found no columns. {see.format('blank')}"),
        "nothing": (
            "FAILED",
            f"it found no columns: s3://{BUCKET}/nothing/ has no files. Upload some: `lake put nothing`",
        ),
    }


def test_a_crawl_that_finds_the_datasets_table_succeeds(crawlers: None, prompt: Callable[..., Prompt]) -> None:
    done = prompt("reef", DATASETS).lake("crawl", "good")

    assert (done.code, "SUCCEEDED" in done.out) == (0, True)

"""A write that fails, and readers while a table is replaced."""

import hashlib
from collections.abc import Iterator
from threading import Event, Thread

import pytest

from tests.glue_scripts.trouble.conftest import Jobs
from tests.local_aws.jobs.conftest import ended

pytestmark = pytest.mark.spark


@pytest.fixture(scope="module")
def wide(jobs: Jobs) -> Jobs:
    jobs.create("wide", [])
    fill(jobs, 1)
    jobs.good("wide")
    return jobs


def fill(jobs: Jobs, rows: int) -> None:
    jobs.fill("wide", "a", [(n, n, hashlib.sha256(str(n).encode()).hexdigest()) for n in range(rows)])


def test_a_failed_write_is_reported_in_one_line_and_keeps_the_old_data(wide: Jobs) -> None:
    before = wide.rows("wide")
    fill(wide, 20_000)
    wide.trap("GetTable", do="limit")
    failed = wide.run("wide")
    assert failed["JobRunState"] == "FAILED"
    assert failed["ErrorMessage"] == (
        f"while writing s3://curated/wide/run-{failed['Id']}/: File too large (exit code 1)"
    )
    assert wide.rows("wide") == before
    wide.good("wide")
    assert wide.rows("wide", "count(*)") == [("20000",)]
    assert f"run-{failed['Id']}" not in wide.run_folders("wide")


@pytest.fixture
def seen(wide: Jobs) -> Iterator[list[str]]:
    """The row counts that a reader sees who queries in a loop."""
    counts: list[str] = []
    failures: list[BaseException] = []
    stop = Event()

    def read() -> None:
        try:
            while not stop.wait(0.1):
                counts.append(wide.rows("wide", "count(*)")[0][0])
        except BaseException as error:
            failures.append(error)

    reader = Thread(target=read)
    reader.start()
    yield counts
    stop.set()
    reader.join()
    assert failures == []


def test_a_reader_sees_the_old_table_or_the_new_one(wide: Jobs, seen: list[str]) -> None:
    counts = []
    for rows in (100, 300, 200):
        fill(wide, rows)
        run = ended(wide.aws("glue"), "wide", wide.start("wide"))
        assert run["JobRunState"] == "SUCCEEDED"
        counts.append(str(rows))
    old = seen[0]
    assert set(seen) <= {old, *counts}
    order = [old, *counts]
    assert [order.index(count) for count in seen] == sorted(order.index(count) for count in seen)
    assert {"100", "300"} <= set(seen)

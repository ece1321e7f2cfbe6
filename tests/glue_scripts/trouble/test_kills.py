"""kill -9 at any moment: readers see the old table, and the next run writes what an undisturbed run would have."""

import pytest

from tests.glue_scripts.trouble.conftest import Jobs

pytestmark = pytest.mark.spark
PARTS = 120  # more than one call can register
Rows = list[tuple[int, int, str]]


def numbers(version: str) -> Rows:
    return [(id_, id_ % PARTS, version) for id_ in range(PARTS * 2)]


def shown(rows: Rows) -> list[tuple[str, ...]]:
    return sorted(tuple(map(str, row)) for row in rows)


@pytest.fixture(scope="module")
def replaced(jobs: Jobs) -> Jobs:
    """A table with 120 partitions, all of which each run replaces."""
    jobs.create("numbers", ["part"])
    jobs.fill("numbers", "a", numbers("clean"))
    jobs.good("numbers")
    return jobs


@pytest.mark.parametrize(
    ("point", "call", "number", "new"),
    [
        ("before the read", "GetTable", 1, 0),
        ("during the write", "write", 1, 0),
        ("between write and publication", "CreateTable", 1, 0),
        ("in the middle of the publication", "BatchCreatePartition", 2, 100),
        ("between publication and report", "PUT /curated/job_reports", 1, PARTS),
    ],
)
def test_a_killed_run_leaves_whole_partitions_and_the_next_run_completes(
    replaced: Jobs, point: str, call: str, number: int, new: int
) -> None:
    before = replaced.rows("numbers")
    old = before[0][2]
    replaced.fill("numbers", "a", numbers(point))
    replaced.killed("numbers", call, number)

    versions = dict[str, set[str]]()
    found = replaced.rows("numbers")
    for _, part, version in found:
        versions.setdefault(part, set()).add(version)
    assert sorted(row[:2] for row in found) == sorted(row[:2] for row in before)
    assert all(len(seen) == 1 for seen in versions.values())
    assert sum(seen == {point} for seen in versions.values()) == new
    assert set.union(*versions.values()) <= {old, point}

    done = replaced.good("numbers")
    assert replaced.rows("numbers") == shown(numbers(point))
    assert f"run-{done['Id']}" in replaced.run_folders("numbers")
    assert len(replaced.run_folders("numbers")) <= 3, "the dead run's folder, the one before, and this"


@pytest.fixture(scope="module")
def added(jobs: Jobs) -> tuple[Jobs, Rows]:
    """An incremental table, and the rows of all its files."""
    rows: Rows = [(1, 1, "first")]
    jobs.create("events", [], incremental=True)
    jobs.fill("events", "first", rows)
    jobs.good("events")
    return jobs, rows


@pytest.mark.parametrize(
    ("point", "call", "when", "published"),
    [
        ("before the read", "GetTable", "before", False),
        ("during the write", "write", "before", False),
        ("between write and publication", "CreateTable", "before", False),
        ("between publication and commit", "BatchCreatePartition", "after", True),
        ("between commit and report", "PUT /curated/job_reports", "before", True),
    ],
)
def test_a_killed_incremental_run_adds_its_files_once(
    added: tuple[Jobs, Rows], point: str, call: str, when: str, published: bool
) -> None:
    jobs, rows = added
    before, name = shown(rows), point.replace(" ", "_")
    rows += [(len(rows) + n, n, point) for n in range(100)]
    jobs.fill("events", name, rows[-100:])
    jobs.killed("events", call, 1, when)
    assert jobs.rows("events") == (shown(rows) if published else before)

    rows.append((len(rows), 0, "meanwhile"))
    jobs.fill("events", f"{name}_2", rows[-1:])
    jobs.good("events")
    assert jobs.rows("events") == shown(rows)


def test_the_next_run_finishes_a_killed_full_refresh(added: tuple[Jobs, Rows]) -> None:
    jobs, rows = added
    jobs.killed("events", "DeletePartition", 1, full_refresh="true")
    jobs.good("events")
    assert jobs.rows("events") == shown(rows)
    assert len(set(jobs.rows("events", "batch"))) == 1

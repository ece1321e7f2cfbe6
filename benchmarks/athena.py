"""The embedded Athena against itself at an earlier commit, in turns, on one machine: `python -m benchmarks.athena`.

Both sides run from their own source in lakes of their own. The named queries are those of the sample lake, on its
tables: 336,776 flights by month, and 300 departures. Targets are ratios of wall time.
"""

from __future__ import annotations

import sys
import tempfile
import zipfile
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import duckdb

from benchmarks.embedded import Cost, Side, queried, report, running
from benchmarks.worktrees import BEFORE, ROOT, worktree
from examples import sample

ROUNDS = 3
SMALL, AT_ONCE, NAMED_TIMES = 1000, 100, 5
TARGETS = {
    f"{SMALL:,} small queries": 1.0,
    f"the sample's named queries, {NAMED_TIMES} times": 1.0,
    f"{AT_ONCE} queries at once": 0.7,
}
_ENRICHED = """
SELECT f.* EXCLUDE (minute), a.name AS airline,
       p.manufacturer, p.model, p.seats, w.temp, w.wind_speed, w.precip, w.visib, f.arr_delay > 15 AS late
FROM {flights} AS f LEFT JOIN {airlines} AS a USING (carrier) LEFT JOIN {planes} AS p USING (tailnum)
LEFT JOIN {weather} AS w ON w.origin = f.origin AND w.time_hour = f.time_hour
"""
_DEPARTURES = """
SELECT time_hour, carrier, flight, origin, dest, dep_delay FROM {flights} WHERE dep_time IS NOT NULL LIMIT 300
"""


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="athena-") as name, ExitStack() as stack:
        work = Path(name)
        _data(work / "data", work / "tables")
        earlier = stack.enter_context(worktree(work / "before-source", BEFORE))
        sides = [stack.enter_context(running("before", earlier, work))]
        sides.append(stack.enter_context(running("now", ROOT, work)))
        for side in sides:
            _prepare(side, work)
        costs: dict[tuple[str, str], list[Cost]] = defaultdict(list)
        for _ in range(ROUNDS):
            for side in sides:
                for title, cost in _measured(side):
                    costs[title, side.name].append(cost)
                    print(f"{side.name}: {title}: {cost}", file=sys.stderr, flush=True)
    return report(costs, TARGETS)


def _prepare(side: Side, work: Path) -> None:
    side.act("prepare")
    for dataset in ("flights", "carriers"):
        side.put(dataset, work / "data" / dataset)
        side.act("crawl", dataset)
    side.act("tables", str(work / "tables"))


def _measured(side: Side) -> Iterator[tuple[str, Cost]]:
    small, named, at_once = TARGETS
    yield small, side.cost(lambda: side.act("small", str(SMALL)))
    yield named, side.cost(lambda: side.act("named", str(ROOT / "queries"), str(NAMED_TIMES)))
    yield at_once, side.cost(lambda: side.act("query", str(AT_ONCE)))


def _data(raw: Path, tables: Path) -> None:
    """The flights and carriers that small queries read, and what the sample's job and stream would make."""
    queried(raw)
    zipfile.ZipFile(sample.source("flights")).extractall(raw)
    source = {name: _csv(sample.source(name)) for name in ("weather", "airlines", "planes")}
    source["flights"] = _csv(raw / "flights.csv")
    con = duckdb.connect(config={"threads": 1})
    enriched, departures = tables / "curated/flights_enriched", tables / "streams/departures"
    for folder in (enriched, departures):
        folder.mkdir(parents=True)
    keys = "FORMAT parquet, COMPRESSION zstd, PARTITION_BY (year, month)"
    con.execute(f"COPY ({_ENRICHED.format(**source)}) TO '{enriched}' ({keys})")
    con.execute(f"COPY ({_DEPARTURES.format(**source)}) TO '{departures}/part-0.parquet' (FORMAT parquet)")


def _csv(file: Path) -> str:
    return f"read_csv('{file}', nullstr = 'NA')"


if __name__ == "__main__":
    sys.exit(main())

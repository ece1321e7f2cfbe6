"""How much of Trino's SQL the embedded Athena answers correctly: `python -m benchmarks.athena_facts [--family WORD]`.

The facts are expressions and queries with the value, type or error that Trino 426 gives, taken from the assertions of
its tests (https://github.com/trinodb/trino, Copyright The Trino authors, Apache License 2.0); only the facts are kept,
in `athena_facts.jsonl.xz`. Athena engine v3 is based on a similar version. The number of digits of a second, and the
order of a map's entries, are ignored. Misses are written to `athena_facts_missed.jsonl` in the current folder.
"""

from __future__ import annotations

import argparse
import json
import lzma
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from rich.console import Console
from rich.table import Table

from tests.local_aws.conftest import free_port

FACTS = Path(__file__).parent / "athena_facts.jsonl.xz"
RIGHT, WRONG, OTHER_TYPE, REFUSED, ACCEPTED = (
    "right",
    "wrong value",
    "wrong type",
    "error for a value",
    "value for an error",
)
OUTCOMES = (RIGHT, WRONG, OTHER_TYPE, REFUSED, ACCEPTED)
SHARE, WRONG_SHARE = 0.97, 0.01
Fact = dict[str, Any]
Row = list[str | None]
_BASES = {"real": "float", "int": "integer", "string": "varchar"}


@dataclass
class Answer:
    """Types with precision and scale, and rows; or the reason for a failure."""

    types: list[tuple[str, int, int]]
    rows: list[Row]
    reason: str | None = None


class Athena:
    """Runs queries on one Athena and waits for the answers."""

    def __init__(self, endpoint: str) -> None:
        session = boto3.Session("local", "local", region_name="us-east-1")
        config = Config(max_pool_connections=16, read_timeout=120)
        self._athena = session.client("athena", endpoint_url=endpoint, config=config)
        session.client("s3", endpoint_url=endpoint, config=config).create_bucket(Bucket="facts")

    def ask(self, sql: str) -> Answer:
        try:
            started = self._athena.start_query_execution(
                QueryString=sql, ResultConfiguration={"OutputLocation": "s3://facts/out/"}
            )["QueryExecutionId"]
        except Exception as error:
            return Answer([], [], str(error))
        status = self._ended(started)
        if status["State"] != "SUCCEEDED":
            return Answer([], [], str(status.get("StateChangeReason") or status["State"]))
        page = self._athena.get_query_results(QueryExecutionId=started, MaxResults=1000)["ResultSet"]
        types = [(c["Type"], c["Precision"], c["Scale"]) for c in page["ResultSetMetadata"]["ColumnInfo"]]
        return Answer(types, [[d.get("VarCharValue") for d in row["Data"]] for row in page["Rows"]][1:])

    def _ended(self, execution: str) -> dict[str, Any]:
        end = time.monotonic() + 60
        while time.monotonic() < end:
            status = self._athena.get_query_execution(QueryExecutionId=execution)["QueryExecution"]["Status"]
            if status["State"] in ("SUCCEEDED", "FAILED", "CANCELLED"):
                return dict(status)
            time.sleep(0.03)
        self._athena.stop_query_execution(QueryExecutionId=execution)
        return {"State": "TIMEOUT"}


def even(text: str | None) -> str | None:
    """A time without trailing zeros in its fraction."""
    return text and re.sub(r"(\d:\d\d)(\.\d*?)0+(?!\d)", lambda m: m[1] + ("" if m[2] == "." else m[2]), text)


def _entries(text: str | None) -> list[str]:
    return sorted(re.split(r"[,{}\[\]]\s*", (text or "").replace("field0=", "")))


def same(got: str | None, fact: Fact) -> bool:
    due, kind = fact["value"], fact.get("type") or ""
    if got == due or got is None or due is None:
        return bool(got == due)
    if not kind.startswith(("varchar", "char")) and even(got) == even(due):
        return True
    if "entries" in fact or ("{" in got and "map(" in kind):
        return _entries(got) == _entries(due)
    return bool(not kind and got.startswith("{") and re.sub(r"\w+=", "", got).strip("{}") == due.strip("[]"))


def _base(kind: str) -> str:
    head = kind.split("(")[0] if kind.startswith(("array(", "map(", "row(")) else re.sub(r"\(.*?\)", "", kind)
    return _BASES.get(head, head)


def other_type(kind: str | None, got: tuple[str, int, int]) -> bool:
    if not kind or _base(kind) == "unknown":
        return False
    sizes = re.fullmatch(r"decimal\((\d+),\s*(\d+)\)", kind)
    return got[0] != _base(kind) or (sizes is not None and (int(sizes[1]), int(sizes[2])) != got[1:])


def judged(athena: Athena, fact: Fact) -> tuple[str, str]:
    """The outcome and the answer."""
    answer = athena.ask(fact["sql"])
    if fact["kind"] == "error":
        return (ACCEPTED, str(answer.rows[:2])) if answer.reason is None else (RIGHT, answer.reason)
    if answer.reason is not None:
        return REFUSED, answer.reason
    if fact["kind"] == "value":
        if len(answer.rows) != 1 or not same(answer.rows[0][0], fact):
            return WRONG, str(answer.rows[:3])
        wrong = other_type(fact.get("type"), answer.types[0])
        return (OTHER_TYPE, str(answer.types[0])) if wrong else (RIGHT, "")
    return _compared(athena, fact, answer)


def _compared(athena: Athena, fact: Fact, answer: Answer) -> tuple[str, str]:
    """Compare a fact whose expected value is given in SQL."""
    if fact.get("expected_sql") is None:
        return (WRONG, str(answer.rows[:3])) if answer.rows else (RIGHT, "")
    due = athena.ask(fact["expected_sql"] if fact["kind"] == "query" else f"SELECT {fact['expected_sql']}")
    if due.reason is not None:
        return REFUSED, f"what is due fails: {due.reason}"
    got, wanted = ([tuple(map(even, row)) for row in one.rows] for one in (answer, due))
    if not fact.get("ordered"):
        got, wanted = (sorted(rows, key=lambda row: [(c is None, c or "") for c in row]) for rows in (got, wanted))
    if got != wanted:
        return WRONG, f"{got[:3]} for {wanted[:3]}"
    differ = any(a[0] != b[0] != "unknown" for a, b in zip(answer.types, due.types, strict=True))
    return (OTHER_TYPE, str(answer.types)) if differ and not fact.get("untyped") else (RIGHT, "")


@contextmanager
def embedded() -> Iterator[str]:
    """An embedded AWS from this source, in a temporary folder."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "local_aws", "--port", str(port), "--folder", folder, "--open"]
        server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            _wait_for(port)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()
            server.wait()


def _wait_for(port: int) -> None:
    client = boto3.client(
        "sts", "us-east-1", endpoint_url=f"http://127.0.0.1:{port}", aws_access_key_id="a", aws_secret_access_key="b"
    )
    end = time.monotonic() + 120
    while True:
        try:
            client.get_caller_identity()
            return
        except Exception:
            if time.monotonic() > end:
                raise
            time.sleep(0.2)


def facts(family: str = "") -> list[Fact]:
    with lzma.open(FACTS, "rt", encoding="utf-8") as lines:
        return [fact for fact in map(json.loads, lines) if family in fact["family"]]


def main(family: str = "", sample: int = 0) -> int:
    """Print a table by family. Returns 1 if fewer are right, or more wrong, than the targets allow."""
    asked = facts(family)
    asked = asked[:: max(1, len(asked) // sample)] if sample else asked
    with embedded() as endpoint:
        athena = Athena(endpoint)
        with ThreadPoolExecutor(4) as pool:
            outcomes = list(pool.map(lambda fact: judged(athena, fact), asked))
    _show(asked, outcomes)
    with Path("athena_facts_missed.jsonl").open("w", encoding="utf-8") as missed:
        for fact, (outcome, detail) in zip(asked, outcomes, strict=True):
            if outcome != RIGHT:
                missed.write(json.dumps({**fact, "outcome": outcome, "detail": detail}, ensure_ascii=False) + "\n")
    counts = Counter(outcome for outcome, _ in outcomes)
    return int(counts[RIGHT] < SHARE * len(asked) or counts[WRONG] > WRONG_SHARE * len(asked))


def _show(asked: list[Fact], outcomes: list[tuple[str, str]]) -> None:
    table = Table("family", "facts", *OUTCOMES, "right %")
    families: dict[str, Counter[str]] = defaultdict(Counter)
    for fact, (outcome, _) in zip(asked, outcomes, strict=True):
        families[fact["family"]][outcome] += 1
        families["all"][outcome] += 1
    for name, counts in sorted(families.items(), key=lambda pair: (pair[0] == "all", -pair[1].total())):
        share = f"{100 * counts[RIGHT] / counts.total():.1f}"
        table.add_row(name, str(counts.total()), *(str(counts[outcome]) for outcome in OUTCOMES), share)
    Console().print(table)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--family", default="", help="only families with this word")
    parser.add_argument("--sample", type=int, default=0, help="about this many facts, evenly spread")
    options = parser.parse_args()
    sys.exit(main(options.family, options.sample))

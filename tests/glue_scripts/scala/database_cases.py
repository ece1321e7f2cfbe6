"""Cases of a job with a real PostgreSQL: each runs in Python and in Scala, in a separate schema."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from typing import Any

from lake_etl.errors import JobError, reason
from lake_etl.job import run
from tests.glue_scripts.scala.conftest import Submit
from tests.glue_scripts.shop import Shop
from tests.glue_scripts.small_lake import Lake
from tests.postgres import PASSWORD, Database

PLANES = (
    "CREATE TABLE planes (tailnum text PRIMARY KEY, seats integer NOT NULL CHECK (seats > 0));"
    "INSERT INTO planes VALUES ('N1', 10), ('N2', 20);"
)
OWN = ("run_id", "started_at", "seconds", "bytes")


@dataclass(frozen=True)
class Case:
    """A job whose source is a table `given` of the database, and that writes into `planes`.

    types are created first; columns and rows are those of `given`; told is the expected error of the last run, or
    empty; prepare is called last with the schema of the case, and its result is closed when all runs are over.
    """

    told: str = ""
    columns: str = "tailnum text, seats integer"
    rows: str = "('N3', 30)"
    types: str = ""
    setup: str = PLANES
    steps: tuple[dict[str, Any], ...] = ()
    expect: tuple[dict[str, Any], ...] = ()
    sink: dict[str, Any] = field(default_factory=dict)
    source: str = "given"
    bucket: str = "curated"
    runs: tuple[str, ...] = ("jr_1",)
    prepare: Callable[[Shop, str], Any] = lambda shop, schema: None


Endings = dict[str, tuple[list[Any], list[Any], Any, Any]]


@dataclass
class Prepared:
    """A case in its own schema, and the arguments of its runs."""

    shop: Shop
    schema: str
    arguments: list[list[str]]

    def state(self) -> dict[str, Any]:
        """Return every table but the source: columns, constraints, and rows without the load time."""
        tables = self.shop.run(f"SELECT tablename FROM pg_tables WHERE schemaname = '{self.schema}' ORDER BY 1")
        return {name: self._table(f"{self.schema}.{name}") for (name,) in tables if name != "given"}

    def _table(self, name: str) -> Any:
        columns = self.shop.run(
            "SELECT attname, format_type(atttypid, atttypmod), attnotnull FROM pg_attribute "
            f"WHERE attrelid = '{name}'::regclass AND attnum > 0 ORDER BY attnum"
        )
        rules = f"SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = '{name}'::regclass ORDER BY 1"
        rows = f"SELECT (to_jsonb(whole) - 'loaded_at')::text FROM {name} AS whole ORDER BY 1"
        return comparable([columns, self.shop.run(rules), self.shop.run(rows)])


def prepared(case: Case, name: str, schema: str, database: Database, lake: Lake, cleanup: ExitStack) -> Prepared:
    shop = Shop.new(database, f"connection-{database.name}-{schema}")
    made = f"CREATE TABLE given ({case.columns}); INSERT INTO given VALUES {case.rows}"
    shop.run(
        f"CREATE SCHEMA {schema}; SET search_path TO {schema}; {case.types} {made}; {case.setup.format(schema=schema)}"
    )
    given = {"connection": shop.connection, "table": case.source if "." in case.source else f"{schema}.{case.source}"}
    sink = {"connection": shop.connection, "table": f"{schema}.planes"} | case.sink
    spec = {"job": name, "source": "given", "tables": {}, "databases": {"given": given}, "steps": case.steps}
    spec |= {"sink": sink} | ({"expect": case.expect} if case.expect else {})
    lake.put("scripts", f"{schema}.json", json.dumps(spec))
    waiting = case.prepare(shop, schema)
    if waiting:
        cleanup.enter_context(closing(waiting))
    arguments = []
    for id_ in case.runs:
        words = lake.arguments(f"s3://scripts/{schema}.json")
        words[words.index("curated")] = case.bucket
        arguments.append([id_ if word.startswith("jr_") else word for word in words])
    return Prepared(shop, schema, arguments)


def in_python(arguments: list[str]) -> Any:
    try:
        return run(arguments)
    except Exception as error:
        return str(error) if isinstance(error, JobError) else reason(error)


def in_scala(submitted: Submit, jobs: list[list[str]]) -> Iterator[Any]:
    """Yield the outcome of each job, run in one process: its report, or its error message."""
    done = submitted("RunJobs", *(json.dumps({"arguments": job}) for job in jobs))
    assert done.returncode == 0, done.stderr
    assert PASSWORD not in done.stdout + done.stderr
    report = None
    for line in done.stdout.splitlines():
        if line.startswith("LAKE_REPORT "):
            report = json.loads(line.removeprefix("LAKE_REPORT "))
        elif line.startswith(('"', "null")):
            error = json.loads(line)
            yield report if error is None else error.removeprefix("JobError: ")


def comparable(ending: Any) -> Any:
    """Remove what differs per run (times, schemas, ports) or language (how steps and client errors are shown)."""
    kept = {name: value for name, value in ending.items() if name not in OWN} if isinstance(ending, dict) else ending
    text = re.sub(
        r"127.0.0.1:\d+", "server", re.sub(r"(python|scala)_case_\d+", "public", json.dumps(kept, default=str))
    )
    return text.partition(" Steps: ")[0].partition(" missing: ")[0]


def both(cases: dict[str, Case], lake: Lake, database: Database, submitted: Submit) -> Endings:
    """Return for each case its outcomes in Python and in Scala, and what each left in its database."""
    with ExitStack() as cleanup:
        pairs = {
            name: [
                prepared(case, f"case_{number}", f"{language}_case_{number}", database, lake, cleanup)
                for language in ("python", "scala")
            ]
            for number, (name, case) in enumerate(cases.items())
        }
        in_order = in_scala(submitted, [words for _, scala in pairs.values() for words in scala.arguments])
        return {
            name: (
                [in_python(words) for words in python.arguments],
                [next(in_order) for _ in scala.arguments],
                python.state(),
                scala.state(),
            )
            for name, (python, scala) in pairs.items()
        }


def check_alike(case: Case, ending: tuple[list[Any], list[Any], Any, Any]) -> None:
    """Check that both languages left the same state and messages, and that the last run ended as expected."""
    python, scala, left_by_python, left_by_scala = ending
    assert list(map(comparable, scala)) == list(map(comparable, python))
    assert left_by_scala == left_by_python
    if case.told:
        assert re.search(case.told, comparable(scala[-1]).replace('\\"', '"')), scala
        assert "\n" not in scala[-1] and "not the one" not in scala[-1]
    else:
        assert isinstance(scala[-1], dict), scala
        assert scala[-1]["table"].endswith(".planes")

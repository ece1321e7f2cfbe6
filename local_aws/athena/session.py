"""The context of one statement: its DuckDB, the catalog, and what it has read so far."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
from sqlglot import exp

from local_aws.athena import metadata, views
from local_aws.athena.coercions import refuse_mismatch
from local_aws.athena.errors import QueryCancelled, QueryFailed
from local_aws.athena.hive_types import duckdb_type
from local_aws.athena.query import Translated, analysed, condition, differences, register, table_fields, translated
from local_aws.athena.query.analyse.queries import Tables
from local_aws.athena.query.coercion import coerces
from local_aws.athena.query.differences import Difference
from local_aws.athena.query.parse import parse
from local_aws.athena.query.types import Type
from local_aws.athena.readers import Files, Relation
from local_aws.athena.readers.copies import readable
from local_aws.athena.readers.source import named
from local_aws.athena.scan import Need, needs_of
from local_aws.athena.tables import HIDDEN, Catalog, Partition, Table

_CATALOG = "awsdatacatalog"
_SETTINGS: dict[str, Any] = {
    "threads": 2,
    "memory_limit": "2GB",
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
}


@contextmanager
def connection(mirror: Path, work: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open an in-memory DuckDB that can read the S3 mirror, write to `work`, and access nothing else."""
    work.mkdir(parents=True, exist_ok=True)
    mirror.mkdir(parents=True, exist_ok=True)
    con = duckdb.connect(config={**_SETTINGS, "temp_directory": str(work / "spill")})
    try:
        con.execute("SET allowed_directories = ?", [[f"{mirror}/", f"{work}/"]])
        con.execute("SET enable_external_access = false")
        prepare(con)
        yield con
    finally:
        con.close()


@dataclass
class Session:
    """The context that a statement runs in.

    `database` is the default database, `cutoff` is in bytes, `output` is the folder of results in S3, `differences` are
    those of AWS that may show in the result.
    """

    con: duckdb.DuckDBPyConnection
    catalog: Catalog
    database: str
    work: Path
    cutoff: int | None = None
    output: str = ""
    execution: str = ""
    workgroup: str = "primary"
    scanned: int = 0
    tables: dict[str, Table] = field(default_factory=dict)
    differences: list[Difference] = field(default_factory=list)
    _views: list[tuple[str, str]] = field(default_factory=list)
    _bodies: list[tuple[Table, exp.Query]] = field(default_factory=list)

    def client(self, service: str) -> Any:
        """Return a boto3 client of this AWS, in the query's region."""
        return self.catalog.context.client(service, self.catalog.glue.meta.region_name)

    @contextmanager
    def inside_view(self, database: str, name: str) -> Iterator[None]:
        """Raises QueryFailed if a view refers to itself, directly or through others."""
        if (database, name) in self._views:
            raise QueryFailed(f"VIEW_IS_RECURSIVE: View '{_CATALOG}.{database}.{name}' is recursive")
        self._views.append((database, name))
        try:
            yield
        finally:
            self._views.pop()

    def translated(self, query: exp.Expr) -> Translated:
        """Return a query as DuckDB's SQL; the tables that it reads exist as views afterwards.

        Raises:
            QueryFailed: a table does not exist or cannot be read.
            QueryCancelled: the query would read more than the cutoff.
        """
        query = query.copy()
        self._resolve(query, self.database)
        mine = {table.name for table in query.find_all(exp.Table)}
        tables = {name: table for name, table in self.tables.items() if name in mine}
        fields = {name: table_fields(_columns(table)) for name, table in tables.items()}
        self._check_views(fields)
        typed = analysed(query, fields, self.database)
        self.differences += [one for one in differences.used_by(typed) if one not in self.differences]
        spoken, wanted = {part.name for part in query.find_all(exp.Identifier)}, _wanted(query)
        hidden = [name for name in HIDDEN if name in spoken]
        for name, need in needs_of(query, tables).items():
            self._open(name, need, hidden, wanted)
        return translated(typed)

    def _check_views(self, fields: Tables) -> None:
        """Raises QueryFailed if the tables below a view have changed so that its columns are different now."""
        for table, body in self._bodies:
            place = f"'{_CATALOG}.{table.database}.{table.name}'"
            try:
                outputs = analysed(body, fields, self.database).outputs
            except QueryFailed as error:
                raise QueryFailed(f"INVALID_VIEW: Failed analyzing stored view {place}: {error}") from error
            names = [(output.name or f"_col{place}").lower() for place, output in enumerate(outputs)]
            self._check_types(table, [output.type for output in outputs])
            stored = [column.name for column in table.columns]
            if stored and names != stored:
                raise QueryFailed(
                    f"INVALID_VIEW: View {place} is stale or in invalid state: it has the columns {', '.join(names)}, "
                    f"and its definition {', '.join(stored)}; make it again by CREATE OR REPLACE VIEW"
                )
        self._bodies.clear()

    def _check_types(self, table: Table, kinds: Sequence[Type]) -> None:
        for own, (name, due) in zip(kinds, views.decoded(table).columns, strict=False):
            if not coerces(own, due):
                raise QueryFailed(
                    f"INVALID_VIEW: View '{_CATALOG}.{table.database}.{table.name}' is stale or in invalid state: its "
                    f"query gives {own} for the column {name}, which cannot be coerced to the {due} of its definition; "
                    "make it again by CREATE OR REPLACE VIEW"
                )

    def table(self, node: exp.Table, database: str | None = None) -> Table:
        """Return the catalog's table for a name in a statement.

        Raises:
            QueryFailed: it does not exist.
        """
        if node.catalog and node.catalog.lower() != _CATALOG:
            raise QueryFailed(
                f"CATALOG_NOT_FOUND: Catalog '{node.catalog}' does not exist; the only one here is {_CATALOG}"
            )
        schema = (node.db or database or self.database).lower()
        found = metadata.table(self.catalog, schema, node.name) or self.catalog.table(schema, node.name)
        if found is None and schema != metadata.SCHEMA and not self.catalog.has_database(schema):
            raise QueryFailed(f"SCHEMA_NOT_FOUND: Schema '{schema}' does not exist")
        if found is None:
            raise QueryFailed(f"TABLE_NOT_FOUND: Table '{_CATALOG}.{schema}.{node.name.lower()}' does not exist")
        return found

    def _resolve(self, query: exp.Expr, database: str) -> None:
        """Give every table a unique name, and replace views by their SQL."""
        spoken = set()
        for node in list(query.find_all(exp.Table)):
            if not isinstance(node.this, exp.Identifier) or _is_cte(node):
                continue
            table = self.table(node, database)
            spoken.add((table.database, node.name.lower()))
            if table.is_view:
                self._inline(node, table)
            else:
                self._rename(node, table)
        for column in query.find_all(exp.Column):
            if column.args.get("db") and (column.text("db").lower(), column.table.lower()) in spoken:
                column.set("db", None)
                column.set("catalog", None)

    def _rename(self, node: exp.Table, table: Table) -> None:
        name = f"scan_{len(self.tables)}"
        self.tables[name] = table
        if not node.alias:
            node.set("alias", exp.TableAlias(this=node.this.copy()))
        node.set("this", exp.to_identifier(name))
        node.set("db", None)
        node.set("catalog", None)

    def _inline(self, node: exp.Table, table: Table) -> None:
        view = views.decoded(table)
        body = parse(view.sql)
        with self.inside_view(table.database, table.name):
            self._resolve(body, view.database or table.database)
        if isinstance(body, exp.Query):
            self._bodies.append((table, body))
        alias = node.args.get("alias") or exp.TableAlias(this=node.this.copy())
        node.replace(exp.Subquery(this=body, alias=alias))

    def _open(self, name: str, need: Need, hidden: Sequence[str], wanted: set[str] | None) -> None:
        table = self.tables[name]
        if metadata.is_metadata(table):
            metadata.create(self.catalog, self.con, name, table)
            return
        partitions = self._partitions(table, need)
        refuse_mismatch(table, partitions)
        files = readable(table, self.catalog.files(table, partitions), self.work / f"{self.execution}.plain" / name)
        relation = Relation(self.con, name, table, self.catalog.memory)
        self.scanned += self._counted(relation, files, need)
        relation.create(files, hidden, wanted)

    def _counted(self, relation: Relation, files: Files, need: Need) -> int:
        relation.register(files)
        size = relation.scanned_bytes(files, need.columns)
        if self.cutoff is not None and self.scanned + size > self.cutoff:
            raise QueryCancelled("Query cancelled! : Bytes scanned limit was exceeded")
        return size

    def _partitions(self, table: Table, need: Need) -> list[Partition]:
        """Return the partitions that can meet the conditions, which are evaluated on the partition values alone."""
        _check_injected(table, need)
        partitions = self.catalog.partitions(table)
        if not need.conditions or not partitions:
            return partitions
        values = [f"TRY_CAST(v[{i}] AS {duckdb_type(key.type)})" for i, key in enumerate(table.keys, 1)]
        keys = ", ".join(named(values, table.keys))
        where = self._where(table, need)
        given = [[i, list(partition.values)] for i, partition in enumerate(partitions)]
        kept = self._select_numbers(given, keys, where)
        return [partitions[i] for i in kept]

    def _where(self, table: Table, need: Need) -> str:
        keys = [(key.name, key.type) for key in table.keys]
        texts = []
        for tree in need.conditions:
            text, translation = condition(tree, keys, "k")
            register(self.con, translation.functions, text)
            texts.append(text)
        return " AND ".join(texts)

    def _select_numbers(self, given: list[list[object]], keys: str, where: str) -> list[int]:
        import pyarrow as pa  # 40 MB of memory that only queries need

        columns = {"i": pa.array([row[0] for row in given], pa.int64())}
        columns["v"] = pa.array([row[1] for row in given], pa.list_(pa.string()))
        self.con.register("partition_values", pa.table(columns))
        sql = f"SELECT i FROM (SELECT i, {keys} FROM partition_values) AS k WHERE {where} ORDER BY i"
        rows = self.con.execute(sql).fetchall()
        self.con.unregister("partition_values")
        return [row[0] for row in rows]


def _columns(table: Table) -> list[tuple[str, str]]:
    return [(column.name, column.type) for column in [*table.columns, *table.keys]]


def prepare(con: duckdb.DuckDBPyConnection) -> None:
    """Set up a connection to read and compute as Athena does."""
    con.execute("SET TimeZone = 'UTC'; SET default_null_order = 'nulls_last'; SET parquet_metadata_cache = true")


def _is_cte(node: exp.Table) -> bool:
    """Whether an enclosing WITH defines this name before its use."""
    child: exp.Expr = node
    parent = node.parent
    while parent is not None and not node.db:
        with_ = parent if isinstance(parent, exp.With) else parent.args.get("with_")
        if with_ is not None and child is not with_:
            ctes = with_.expressions
            if isinstance(parent, exp.With) and not with_.args.get("recursive"):
                ctes = ctes[: ctes.index(child)] if child in ctes else ctes
            if any(cte.alias.lower() == node.name.lower() for cte in ctes):
                return True
        child, parent = parent, parent.parent
    return False


def _wanted(query: exp.Expr) -> set[str] | None:
    """The names that a query may mean columns by, in lower case; None where it takes columns without naming them."""
    stars = [star for star in query.find_all(exp.Star) if isinstance(star.parent, exp.Select | exp.Column)]
    renamed = [alias for alias in query.find_all(exp.TableAlias) if alias.columns and _is_of_table(alias.parent)]
    if stars or renamed or any(join.method for join in query.find_all(exp.Join)):
        return None
    return {part.name.lower() for part in query.find_all(exp.Identifier)}


def _is_of_table(tree: exp.Expr | None) -> bool:
    """Whether it may be a table, or relations in brackets, of which one may be."""
    return isinstance(tree, exp.Table) or (isinstance(tree, exp.Subquery) and not isinstance(tree.this, exp.Query))


def _check_injected(table: Table, need: Need) -> None:
    for key in table.keys if table.is_projected else []:
        if table.parameters.get(f"projection.{key.name}.type", "").lower() != "injected":
            continue
        if not any(_fixes(condition, key.name) for condition in need.conditions):
            raise QueryFailed(
                f"CONSTRAINT_VIOLATION: For the injected projected partition column {key.name}, the WHERE clause "
                "must contain only static equality conditions, and at least one such condition must be present."
            )


def _fixes(condition: exp.Expr, key: str) -> bool:
    return isinstance(condition, exp.EQ | exp.In) and any(c.name == key for c in condition.find_all(exp.Column))

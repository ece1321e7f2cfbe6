"""Uploads data, and crawls its tables."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lake.commands.base import AsJson, Settings, app
from lake.commands.output import err, human_bytes, out, show, states, table, transfer
from lake.errors import BadInput

if TYPE_CHECKING:
    from lake.aws import Aws
    from lake.data.zones import Upload

SHOWN = 20
"""The maximum number of files that `put --dry-run` lists."""


@app.command()
def put(
    context: typer.Context,
    dataset: Annotated[str, typer.Argument(help="A dataset of lake.yaml.")],
    paths: Annotated[list[Path], typer.Argument(help="Files, or folders that contain the partition folders.")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be uploaded, and where. Upload nothing.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Upload files of a dataset to the raw zone. For a declared table, also register their partitions."""
    aws: Aws = context.obj.aws()
    from lake.data import partitions, zones

    files = zones.uploads(aws, dataset, paths)
    storage = partitions.storage(aws, dataset)
    if dry_run:
        _would_put(aws, dataset, files, as_json)
        return
    size = sum(upload.file.stat().st_size for upload in files)
    with transfer(f"Uploading {dataset}", len(files), size) as done_with:
        for upload in zones.put(aws, files):
            done_with(upload.file.stat().st_size)
    done: dict[str, Any] = {"dataset": dataset, "files": len(files), "bytes": size}
    sentence = f"{dataset}: {len(files)} files, {human_bytes(size)}"
    if storage:
        done["new_partitions"] = partitions.register(aws, dataset, storage, files)
        sentence += f", {done['new_partitions']} new partitions"
    show(done, as_json, sentence)


def _would_put(aws: Aws, dataset: str, files: list[Upload], as_json: bool) -> None:
    from lake.data import partitions, zones

    there, bucket = zones.there(aws, dataset), aws.names.bucket("raw")
    lines: list[dict[str, Any]] = [
        {"key": upload.key, "bytes": upload.file.stat().st_size, "overwrites": upload.key in there} for upload in files
    ]
    total, replaced = sum(line["bytes"] for line in lines), sum(line["overwrites"] for line in lines)
    document = {"dataset": dataset, "bucket": bucket, "files": len(files), "bytes": total, "overwrites": replaced}
    sentence = f"{dataset}: {len(files)} files, {human_bytes(total)} would be uploaded to s3://{bucket}"
    sentence += f", {replaced} of them replacing existing files"
    if aws.lake.config.datasets[dataset].partitions:
        document["new_partitions"] = partitions.new(aws, dataset, files, there)
        sentence += f", {document['new_partitions']} new partitions"
    if not as_json:
        table([line | {"overwrites": "yes" if line["overwrites"] else ""} for line in lines[:SHOWN]], False)
        if len(lines) > SHOWN:
            out.print(f"and {len(lines) - SHOWN} more")
    show(document | {"objects": lines}, as_json, sentence)


@app.command()
def crawl(
    context: typer.Context,
    targets: Annotated[
        list[str] | None,
        typer.Argument(
            help="Datasets. Default: all that have a crawler. With --dry-run, also s3:// prefixes and folders."
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what a first crawl would find. Deploy nothing.")
    ] = False,
    like: Annotated[
        str | None, typer.Option("--like", help="With --dry-run: use the crawler settings of this dataset.")
    ] = None,
    sample: Annotated[
        int, typer.Option(min=0, help="With --dry-run: read at most this many files per folder. 0 for all.")
    ] = 0,
    as_json: AsJson = False,
) -> None:
    """Run crawlers, wait for them, and show the tables, columns and partitions that they found."""
    if dry_run:
        _dry_run(context.obj, targets or [], like, sample, as_json)
        return
    if like or sample:
        raise BadInput("--like and --sample are only for --dry-run")
    aws: Aws = context.obj.aws()
    from lake.data import catalog

    chosen = targets or catalog.crawled_datasets(aws)
    with states() as tell:
        crawled = catalog.crawl(aws, chosen, tell)
    table([asdict(outcome) for outcome in crawled], as_json)
    if any(outcome.status != "SUCCEEDED" for outcome in crawled):
        raise typer.Exit(1)


def _dry_run(settings: Settings, targets: list[str], like: str | None, sample: int, as_json: bool) -> None:
    from lake.data import dry_run

    found = [dry_run.crawl(settings.lake, settings.aws, target, like, sample) for target in targets]
    if not found:
        raise BadInput("--dry-run needs a dataset, an s3:// prefix or a folder")
    tables = [found_table for crawled in found for found_table in crawled["tables"]]
    for warning in [warning for crawled in found for warning in crawled["warnings"]]:
        err.print(warning, markup=False, style="yellow")
    if as_json:
        out.print_json(
            json.dumps({"tables": tables, "warnings": [w for crawled in found for w in crawled["warnings"]]})
        )
        return
    for found_table in tables:
        table([dry_run.summary(found_table)], False, upright=True)
        table(dry_run.lines(found_table), False)


@app.command()
def secret(
    context: typer.Context,
    connection: Annotated[str, typer.Argument(help="A connection of lake.yaml.")],
    username: Annotated[str | None, typer.Option(help="The database user. Default: ask.")] = None,
) -> None:
    """Store the user name and password of a connection. Asks for them, or reads the password from stdin."""
    aws: Aws = context.obj.aws()
    from lake.data import secrets

    if sys.stdin.isatty():
        username = username or typer.prompt("User")
        password = typer.prompt("Password", hide_input=True)
    elif username:
        password = sys.stdin.readline().rstrip("\r\n")
    else:
        raise BadInput("without a terminal, give --username, and the password as one line on stdin")
    name = secrets.put_secret(aws, connection, username or "", password)
    out.print(f"{connection}: stored user {username} and the password in the secret {name}", markup=False)

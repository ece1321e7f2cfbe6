"""How good the data is that jobs made."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from lake.commands.base import AsJson, app
from lake.commands.output import out, table


@app.command()
def quality(
    context: typer.Context,
    job: Annotated[str | None, typer.Argument(help="Of one job; all when none is named.")] = None,
    as_json: AsJson = False,
) -> None:
    """What came of each rule of `expect` in the last run. Exit code 1 if a rule that may fail a run did."""
    from lake import quality as results

    found = results.last_results(context.obj.aws(), job)
    table(found, as_json)
    if any((line["outcome"], line["otherwise"]) == ("Failed", "fail") for line in found):
        raise typer.Exit(1)


@app.command("evaluate-matches")
def evaluate_matches(
    context: typer.Context,
    job: Annotated[str, typer.Argument(help="A job with a step find_matches.")],
    labels: Annotated[Path | None, typer.Option(help="CSV as of FindMatches: labeling_set_id,label,COLUMNS.")] = None,
    truth: Annotated[str | None, typer.Option(help="In place of labels: the column that holds the truth.")] = None,
    rows: Annotated[
        Path | None, typer.Option(help="CSV, JSON or Parquet file of the records. Without it, Athena reads the source.")
    ] = None,
    plot: Annotated[Path, typer.Option(help="Where to draw the distribution of match weights.")] = Path("matches.png"),
    as_json: AsJson = False,
) -> None:
    """Precision, recall and F1 of a job's find_matches, computed on this machine."""
    from lake import matches

    with tempfile.TemporaryDirectory(prefix="lake-matches-") as folder:
        rows = rows or matches.fetch(context.obj.aws(), job, Path(folder))
        result = matches.evaluate(context.obj.lake(), job, rows=rows, truth=truth, labels=labels, plot=plot)
    if as_json:
        out.print_json(json.dumps(result))
        return
    by_threshold = result.pop("by_threshold")
    table([result], False, upright=True)
    table(by_threshold, False)
    out.print(f"Match weights: {plot}", markup=False)

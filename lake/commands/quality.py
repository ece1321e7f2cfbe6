"""Shows the quality of the data that jobs wrote."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from lake.commands.base import AsJson, app
from lake.commands.output import err, out, table


@app.command()
def quality(
    context: typer.Context,
    job: Annotated[str | None, typer.Argument(help="A job of lake.yaml. Default: all.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show the result of each `expect` rule in the last run. Exit code 1 if a rule failed the run."""
    from lake.running import quality as results

    found = results.last_results(context.obj.aws(), job)
    table(found, as_json)
    if any((line["outcome"], line["otherwise"]) == ("Failed", "fail") for line in found):
        raise typer.Exit(1)


@app.command("evaluate-matches")
def evaluate_matches(
    context: typer.Context,
    job: Annotated[str, typer.Argument(help="A job with a step find_matches.")],
    labels: Annotated[
        Path | None, typer.Option(help="A CSV file in the layout of FindMatches: labeling_set_id,label,COLUMNS.")
    ] = None,
    truth: Annotated[str | None, typer.Option(help="Instead of labels: the column with the truth.")] = None,
    rows: Annotated[
        Path | None,
        typer.Option(help="A CSV, JSON or Parquet file with the records. Default: query the source with Athena."),
    ] = None,
    plot: Annotated[Path, typer.Option(help="The file for the plot of the match weights.")] = Path("matches.png"),
    as_json: AsJson = False,
) -> None:
    """Compute precision, recall and F1 of a job's find_matches, on this machine."""
    from lake.running import matches

    with tempfile.TemporaryDirectory(prefix="lake-matches-") as folder:
        rows = rows or matches.fetch(context.obj.aws(), job, Path(folder))
        result = matches.evaluate(context.obj.lake(), job, rows=rows, truth=truth, labels=labels, plot=plot)
    if as_json:
        out.print_json(json.dumps(result))
        return
    parts = {name: result.pop(name) for name in ("by_threshold", "lost", "lost_because", "warnings")}
    table([result], False, upright=True)
    table(parts["by_threshold"], False)
    if parts["lost"]:
        table([{"lost pairs": count, "because": because} for because, count in parts["lost_because"].items()], False)
        table(parts["lost"], False)
    for warning in parts["warnings"]:
        err.print(f"[yellow]{warning}[/yellow]")
    out.print(f"Match weights: {plot}", markup=False)

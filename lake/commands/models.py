"""Build training sets; train, evaluate and use the models that learn from them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lake.commands.base import AsJson, app, dataset
from lake.commands.output import err, out, show, states, table
from lake.errors import LakeError

if TYPE_CHECKING:
    from lake.aws import Aws

Model = Annotated[str, typer.Argument(help="A model of lake.yaml.")]
Reports = Annotated[Path, typer.Option(help="The folder for the page and its plots.")]
REPORTS = Path("reports")
SHORT = 12
"""Characters of a snapshot on a terminal: enough to identify it."""


@dataset.command()
def build(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="A training set of lake.yaml.")],
    reports: Reports = REPORTS,
    as_json: AsJson = False,
) -> None:
    """Build a training set, look for leaks, and publish it if none is found. Exit code 1 if one is."""
    from lake.running import datasets, plots

    aws: Aws = context.obj.aws()
    with states() as tell:
        report, refused = datasets.build(aws, name, lambda *at: tell(name, *at))
    page = plots.leak_report(report, reports / name)
    found = {} if refused else datasets.manifest(aws, name, report["version"])
    if as_json:
        out.print_json(json.dumps({"version": report.get("version"), "findings": report["findings"], **found}))
    else:
        _tell_findings(report["findings"])
        table(datasets.figures(found) if found else [], False)
    err.print(f"report: {page}", markup=False, style="dim")
    if refused:
        raise LakeError(f"{name} is {refused}")
    if report["without_label"]:
        err.print(f"{report['without_label']} rows have no label, and were left out", markup=False)
    if not as_json:
        out.print(f"{name} is built: version {report['version']}", markup=False)


@dataset.command()
def diff(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="A training set of lake.yaml.")],
    left: Annotated[str, typer.Argument(help="A version of it.")],
    right: Annotated[str | None, typer.Argument(help="Another version. Default: the latest.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show what differs between two versions of a training set: sources, SQL, columns, rows, files."""
    from lake.running import datasets

    aws: Aws = context.obj.aws()
    lines = datasets.difference(datasets.manifest(aws, name, left), datasets.manifest(aws, name, right))
    table(lines, as_json)
    if not lines and not as_json:
        out.print("nothing differs", markup=False)


@dataset.command()
def drift(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="A training set of lake.yaml that has `drift`.")],
    last: Annotated[bool, typer.Option("--last", help="Show the last comparison, and make none.")] = False,
    as_json: AsJson = False,
) -> None:
    """Compare later rows with those of train, as the schedule does. Exit code 1 if they are distributed otherwise."""
    from lake.running import datasets

    aws: Aws = context.obj.aws()
    with states() as tell:
        report, refused = datasets.drift(aws, name, lambda *at: tell(name, *at), last=last)
    table(datasets.drift_lines(report), as_json)
    if refused:
        raise LakeError(f"{name}: {refused}")


@app.command()
def train(
    context: typer.Context,
    model: Model,
    version: Annotated[str | None, typer.Option(help="A version of the training set. Default: the latest.")] = None,
    as_json: AsJson = False,
) -> None:
    """Train a model, evaluate it, and register it if it is good enough."""
    from lake.running import models

    aws: Aws = context.obj.aws()
    with states() as tell:
        made = models.train(aws, model, lambda *at: tell(model, *at), version)
    if as_json:
        out.print_json(json.dumps(made))
    else:
        table([made], False, upright=True)


@app.command()
def evaluate(
    context: typer.Context,
    model: Model,
    version: Annotated[int | None, typer.Option(help="A version of the model. Default: the newest.")] = None,
    reports: Reports = REPORTS,
    as_json: AsJson = False,
) -> None:
    """Show how good a model was on the test part, with intervals and baselines, and plot it."""
    from lake.running import models, plots

    found = models.evaluation(context.obj.aws(), model, version)
    page = plots.evaluation_report(found, reports / model)
    if as_json:
        out.print_json(json.dumps(found))
    else:
        table(_metrics(found), False)
    err.print(f"report: {page}", markup=False, style="dim")


@app.command()
def predict(
    context: typer.Context,
    model: Model,
    on: Annotated[str, typer.Option(help="The table whose rows are predicted, in place of the training set's own.")],
    where: Annotated[str, typer.Option(help="Which of its rows: a condition in Spark SQL.")] = "true",
    version: Annotated[int | None, typer.Option(help="A version of the model. Default: the newest.")] = None,
    as_json: AsJson = False,
) -> None:
    """Predict the rows of a table, and make a table of it that Athena joins."""
    from lake.running import predictions

    aws: Aws = context.obj.aws()
    with states() as tell:
        made = predictions.predict(aws, model, on, lambda *at: tell(model, *at), where, version)
    show(made, as_json, f"{made['table']}: {made['rows']} rows of version {made['model_version']}")


@app.command()
def models(
    context: typer.Context,
    model: Annotated[str | None, typer.Argument(help="A model of lake.yaml. Default: all.")] = None,
    lineage: Annotated[
        bool, typer.Option("--lineage", help="Show of what the newest version is made, down to the raw files.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """List the versions of models in the registry, each with what it was trained on."""
    from lake.running import models as models_

    aws: Aws = context.obj.aws()
    names = [model] if model else list(aws.lake.config.models)
    if lineage:
        lines = [line for name in names for line in models_.lineage(aws, name)]
        table(lines if as_json else list(map(_brief, lines)), as_json)
        return
    found = [version for name in names for version in models_.versions(aws, name)]
    table(found if as_json else list(map(_brief, found)), as_json)
    if not found and not as_json:
        err.print("no model is registered yet: `lake train MODEL`", markup=False)


def _brief(record: dict[str, Any]) -> dict[str, Any]:
    """What fits a terminal's line."""
    shown = {name: value for name, value in record.items() if name not in ("execution", "created", "location")}
    short = {"snapshot": shown["snapshot"][:SHORT]} if "snapshot" in shown else {}
    return {name: f"{value:.4f}" if isinstance(value, float) else value for name, value in shown.items()} | short


def _tell_findings(findings: list[dict[str, Any]]) -> None:
    for finding in findings:
        style = "red" if finding["verdict"] == "fail" else "yellow"
        err.print(f"{finding['verdict']}: {finding['check']}: {finding['message']}", markup=False, style=style)


def _metrics(found: dict[str, Any]) -> list[dict[str, Any]]:
    """A line a metric: its value and interval, and what each baseline has."""
    baselines = found["baselines"]
    return [
        {
            "metric": name,
            **{key: f"{metric[key]:.6f}" for key in ("value", "low", "high")},
            **{
                f"{kind} ({_short(baseline['says'])})": f"{baseline[name]:.6f}" if name in baseline else None
                for kind, baseline in baselines.items()
            },
        }
        for name, metric in found["metrics"].items()
    ]


def _short(says: Any) -> str:
    return f"{says:.3f}" if isinstance(says, float) else str(says)

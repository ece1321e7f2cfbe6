"""Reports that people look at: one HTML page, and its plots as PNG beside it."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from pathlib import Path
from typing import Any

from lake.errors import LakeError
from lake.running.datasets import PARTS

MOST = 12
"""Features of a plot: those that tell the label best."""
_STYLE = (
    "body{font:15px sans-serif;max-width:60em;margin:2em auto}td,th{padding:.2em .8em;text-align:left}img{width:100%}"
)


def leak_report(report: dict[str, Any], folder: Path) -> Path:
    """The page of a build: its findings, the powers of its features, and how each is distributed in the parts."""
    plots = []
    if "powers" in report:
        plots = [_plotted(folder / "powers.png", _powers, report), _plotted(folder / "parts.png", _parts, report)]
    findings = report["findings"]
    body = _table(findings, ("verdict", "check", "message")) if findings else "<p>No leak was found.</p>"
    return _page(folder, f"Training set {report['training_set']}", body, plots)


def evaluation_report(found: dict[str, Any], folder: Path) -> Path:
    """The page of an evaluation: its metrics, the ROC curve, the calibration, and the confusion."""
    plots = [
        _plotted(folder / f"{name}.png", draw, found)
        for name, draw in (("roc", _roc), ("calibration", _calibration), ("confusion", _confusion))
    ]
    lines = [
        {"metric": name, **{key: f"{value:.6f}" for key, value in metric.items()}}
        for name, metric in found["metrics"].items()
    ]
    body = f"<p>{found['rows']} rows of the test part of {escape(found['training_set'])} {found['version']}</p>"
    title = f"Model {found['model']}, version {found['model_version']}"
    return _page(folder, title, body + _table(lines, ("metric", "value", "low", "high")), plots)


def _page(folder: Path, title: str, body: str, plots: Iterable[Path]) -> Path:
    images = "".join(f'<p><img src="{plot.name}" alt="{plot.stem}"></p>' for plot in plots)
    page = folder / "report.html"
    folder.mkdir(parents=True, exist_ok=True)
    head = f'<!doctype html><meta charset="utf-8"><title>{escape(title)}</title><style>{_STYLE}</style>'
    page.write_text(f"{head}<h1>{escape(title)}</h1>{body}{images}")
    return page


def _table(lines: list[dict[str, Any]], columns: tuple[str, ...]) -> str:
    head = "".join(f"<th>{column}</th>" for column in columns)
    rows = "".join(f"<tr>{''.join(f'<td>{escape(str(line[c]))}</td>' for c in columns)}</tr>" for line in lines)
    return f"<table><tr>{head}</tr>{rows}</table>"


def _plotted(file: Path, draw: Any, content: dict[str, Any]) -> Path:
    try:
        import matplotlib
    except ImportError:
        raise LakeError("the plots need matplotlib, which is not installed: pip install matplotlib") from None
    matplotlib.use("Agg")
    from matplotlib import pyplot

    file.parent.mkdir(parents=True, exist_ok=True)
    figure = draw(pyplot, content)
    figure.tight_layout()
    # No date in it: the same content gives the same bytes.
    figure.savefig(file, metadata={"Software": None})
    pyplot.close(figure)
    return file


def _powers(pyplot: Any, report: dict[str, Any]) -> Any:
    best = sorted(report["powers"].items(), key=lambda item: item[1])[-MOST:]
    figure, axes = pyplot.subplots(figsize=(8, 0.4 * len(best) + 1.5))
    axes.barh([name for name, _ in best], [power for _, power in best])
    axes.set(xlim=(0.5, 1), xlabel="AUC of the label by this feature alone")
    return figure


def _parts(pyplot: Any, report: dict[str, Any]) -> Any:
    shares = report["label_shares"]
    figure, axes = pyplot.subplots(figsize=(8, 3))
    axes.bar(PARTS, [shares[part] for part in PARTS])
    axes.set(ylabel="share of the label")
    return figure


def _roc(pyplot: Any, found: dict[str, Any]) -> Any:
    figure, axes = pyplot.subplots(figsize=(6, 5))
    axes.plot(*zip(*found["roc"], strict=True), label=f"AUC {found['metrics']['auc']['value']:.3f}")
    axes.plot((0, 1), (0, 1), linestyle=":", label="constant")
    axes.set(xlabel="false positive rate", ylabel="true positive rate")
    axes.legend()
    return figure


def _calibration(pyplot: Any, found: dict[str, Any]) -> Any:
    scores, shares, _ = zip(*found["calibration"], strict=True)
    figure, axes = pyplot.subplots(figsize=(6, 5))
    axes.plot(scores, shares, marker="o")
    axes.plot((0, 1), (0, 1), linestyle=":")
    axes.set(xlabel="mean score of a tenth", ylabel="share of the label")
    return figure


def _confusion(pyplot: Any, found: dict[str, Any]) -> Any:
    figure, axes = pyplot.subplots(figsize=(5, 4))
    axes.imshow(found["confusion"], cmap="Blues")
    for row, counts in enumerate(found["confusion"]):
        for column, count in enumerate(counts):
            axes.text(column, row, count, ha="center", va="center")
    axes.set(xticks=(0, 1), yticks=(0, 1), xlabel="predicted (score at least 0.5)", ylabel="label")
    return figure

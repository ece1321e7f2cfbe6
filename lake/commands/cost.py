"""What the lake costs."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.bar import Bar
from rich.console import Console
from rich.table import Table

from lake.commands.base import AsJson, app
from lake.commands.output import out, say

if TYPE_CHECKING:
    from lake.costs.estimate import Cost, Estimate
    from lake.costs.prices import Prices

TITLES = {"idle": "By the month, though nothing happens", "run": "Each time", "use": "By what is stored, sent and read"}
BAR = 10


@app.command()
def cost(
    context: typer.Context,
    minutes: Annotated[float, typer.Option(min=0, help="How long a run of a job takes.")] = 5,
    prices: Annotated[
        Path | None, typer.Option(help="A table of your own prices, with the columns of the one that comes along.")
    ] = None,
    chart: Annotated[Path | None, typer.Option(help="Also write it as a picture: an SVG file.")] = None,
    as_json: AsJson = False,
) -> None:
    """Reckon what the lake costs on AWS, before it is deployed: by stack and service, idle and each time."""
    from lake.costs.estimate import estimate
    from lake.costs.prices import TABLE, Prices

    lake = context.obj.lake()
    found = estimate(lake, Prices(lake.environment.region, prices or TABLE), minutes)
    if as_json:
        out.print_json(json.dumps(_document(found), default=str))
    else:
        _show(out, found)
    if chart:
        picture = Console(record=True, width=120, quiet=True)
        _show(picture, found)
        chart.write_text(picture.export_svg(title=f"{lake.config.project}-{lake.deployment}"))
    if found.prices.region != lake.environment.region:
        say(
            f"the table has no prices of {lake.environment.region}: these are of {found.prices.region}, and other "
            "regions cost up to a third more. --prices FILE takes a table of your own"
        )


def _document(found: Estimate) -> dict[str, object]:
    return {
        "region": found.prices.region,
        "minutes_of_a_run": found.minutes,
        "idle_month_usd": round(found.idle, 2),
        "month_usd": round(found.monthly, 2),
        "costs": [asdict(cost) for cost in found.costs],
        "prices": [asdict(price) for price in found.prices.values()],
    }


def _show(console: Console, found: Estimate) -> None:
    for when, title in TITLES.items():
        _table(console, title, [cost for cost in found.costs if cost.when == when])
    console.print(
        f"A month costs {found.idle:,.2f} USD idle, and {found.monthly:,.2f} USD with what schedules start. A run is "
        f"taken for {found.minutes:g} minutes. Prices of {found.prices.region}{_age(found.prices)}: AWS's pages have "
        "those of today. Taxes and free tiers are left out.",
        markup=False,
    )


def _age(prices: Prices) -> str:
    """How old the prices are, and which of them nobody has checked against AWS's pages."""
    oldest = f", the oldest of {prices.oldest}" if prices.oldest else ""
    return oldest + (f", not checked: {', '.join(prices.unchecked)}" if prices.unchecked else "")


def _table(console: Console, title: str, costs: list[Cost]) -> None:
    if not costs:
        return
    dearest = max(cost.usd for cost in costs) or 1
    table = Table("stack", "service", "what", title=title, title_justify="left")
    table.add_column("USD", justify="right", no_wrap=True)
    table.add_column("for a", no_wrap=True)
    if with_bars := costs[0].when != "use":
        table.add_column("a month", justify="right", no_wrap=True)
        table.add_column("", width=BAR)
    for cost in costs:
        row = (cost.stack, cost.service, cost.part, f"{cost.usd:,.3f}", cost.unit)
        monthly = "" if cost.monthly is None else f"{cost.monthly:,.2f}"
        table.add_row(*row, *((monthly, Bar(dearest, 0, cost.usd)) if with_bars else ()))
    console.print(table)

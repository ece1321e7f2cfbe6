"""The generated parts of the pages: settings, commands, stacks, outputs, properties of SerDes, the list of decisions.

`python -m docs.tables` writes them between their markers. A test fails if they are out of date.
"""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from docs.commands_table import commands
from docs.settings_table import settings
from lake.configuration import reading as config
from lake.configuration.names import STACKS
from local_aws.athena import options

ROOT = Path(__file__).parents[1]
DECISIONS = ROOT / "docs" / "adr"
REFERENCE = ROOT / "docs" / "reference"
PAGES = (*(REFERENCE / f"{name}.md" for name in ("settings", "commands", "stacks", "serdes")), DECISIONS / "index.md")


def pages() -> dict[Path, str]:
    """Each page with its generated parts updated."""
    parts = {
        "settings": settings(),
        "commands": commands(),
        "decisions": decisions(),
        "options": options.rows(),
        **stacks_and_outputs(),
    }
    return {page: _with_parts(page.read_text(), parts) for page in PAGES}


def _with_parts(page: str, parts: dict[str, list[str]]) -> str:
    for name, lines in parts.items():
        markers = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
        text = "\n".join(["", *lines, "", ""])
        page = markers.sub(lambda found, text=text: found[1] + text + found[2], page)  # type: ignore[misc]
    return page


def decisions() -> list[str]:
    """The decision records, by number."""
    records = sorted(DECISIONS.glob("[0-9]*.md"))
    titles = [record.read_text().partition("\n")[0].removeprefix("# ") for record in records]
    return [f"- [{title}]({record.name})" for record, title in zip(records, titles, strict=True)]


def stacks_and_outputs() -> dict[str, list[str]]:
    """The tables of the stacks' resources and outputs."""
    stacks = _synthesised()
    resources = ["| stack | resources |", "|---|---|"]
    outputs = ["| stack | output | |", "|---|---|---|"]
    for name, stack in stacks.items():
        resources.append(f"| {name} | {', '.join(_counted(stack['resource']))} |")
        outputs += [f"| {name} | `{key}` | {output['description']} |" for key, output in stack["output"].items()]
    return {"resources": resources, "outputs": outputs}


def _synthesised() -> dict[str, Any]:
    from stacks.app import build_app

    with tempfile.TemporaryDirectory() as folder:
        build_app(config.load(ROOT / config.FILE, "local"), folder).synth()
        return {stack: json.loads((Path(folder) / "stacks" / stack / "cdk.tf.json").read_text()) for stack in STACKS}


def _counted(resources: dict[str, Any]) -> Iterator[str]:
    """Resource types with their number. Parts of a bucket (`s3_bucket_policy`, ...) are not listed separately."""
    for type_, found in sorted(resources.items()):
        name = type_.removeprefix("aws_")
        if not name.startswith("s3_bucket_"):
            yield f"`{name}`" if len(found) == 1 else f"{len(found)} `{name}`"


if __name__ == "__main__":
    for page, text in pages().items():
        page.write_text(text)

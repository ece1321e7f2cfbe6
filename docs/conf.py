"""Sphinx configuration of the site (`make docs`). Neither the build nor a reader needs the network."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

PAGES = Path(__file__).parent
LISTED = re.compile(r"^(?:- |\| )\[[^\]]+\]\(([\w/-]+)\.md\)", re.MULTILINE)
LINK = re.compile(r"\[([^\]\n]+)\]\(((?:\.\./)+[\w/.-]+\.md)(?:#[\w-]+)?\)")

project = "Open data lake"
html_title = project
html_theme = "furo"
html_show_copyright = False
html_copy_source = False
extensions = ["myst_parser"]
exclude_patterns = ["*.py", "__pycache__"]
myst_heading_anchors = 4


def setup(app: Any) -> None:
    app.connect("source-read", _as_on_github)


def _as_on_github(app: Any, name: str, source: list[str]) -> None:
    """The pages are written for GitHub. This does for Sphinx what GitHub does by itself."""
    page = PAGES / f"{name}.md"
    source[0] = LINK.sub(lambda found: _link(page, found), source[0])
    if page.stem == "index":
        listed = "\n".join(dict.fromkeys(LISTED.findall(source[0])))
        source[0] += f"\n\n```{{toctree}}\n:hidden:\n\n{listed}\n```\n"


def _link(page: Path, found: re.Match[str]) -> str:
    """A link. Pages outside this folder, such as CONTRIBUTING.md, are included in the site as files."""
    if (page.parent / found[2]).resolve().is_relative_to(PAGES):
        return found[0]
    return f"{{download}}`{found[1]} <{found[2]}>`"

"""Maps the lines of a script that was joined from several files back to these files."""

from __future__ import annotations

import re
from pathlib import Path

_MARK = re.compile(r"// Joined from (\S+)\r?")


class Joined:
    """A script with a mark, `// Joined from NAME`, before each of its files. A script without marks is its own file."""

    def __init__(self, script: Path) -> None:
        lines = enumerate(script.read_text(errors="replace").split("\n"), start=1)
        self._files = {number: mark[1] for number, line in lines if (mark := _MARK.fullmatch(line))}
        folder, name = re.escape(str(script.parent)), re.escape(script.name)
        self._place = re.compile(rf"(?:{folder}/|(?<![\w./-])){name}:(\d+)")

    def located(self, text: str) -> str:
        """Return the text with line references to the script replaced by those to its files.

        Example:
            >>> Joined(Path("RunJob.scala")).located("RunJob.scala:93: error: not found: value x")
            'glue_scripts/scala/aws.scala:52: error: not found: value x'
        """
        return self._place.sub(self._source, text) if self._files else text

    def _source(self, place: re.Match[str]) -> str:
        line = int(place[1])
        mark = max((number for number in self._files if number < line), default=None)
        return place[0] if mark is None else f"{self._files[mark]}:{line - mark}"

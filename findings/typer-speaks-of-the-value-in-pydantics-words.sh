#!/usr/bin/env bash
# typer 0.29.2 (PyPI): a value of the wrong type gets pydantic's error message, and click cannot be imported.
#
# For years, text for an option of type float was refused with click's message "'x' is not a valid float.". This release
# bundles click and checks values with pydantic. Programs and tests that match the old message, and those that import
# click because typer depended on it, break with a minor release.
#
# Observed output:
#   Invalid value for '--rate': Input should be a valid number, unable to parse string as a number
#   click: not installed
set -euo pipefail
cd "$(mktemp -d)"
trap 'rm -rf "$PWD"' EXIT
python3 -m venv venv
venv/bin/pip --quiet --disable-pip-version-check install typer==0.29.2
cat >show.py <<'PY'
import importlib.util

import typer

app = typer.Typer()


@app.command()
def send(rate: float = 1.0) -> None:
    """Send at a rate."""


try:
    app(["--rate", "x"], standalone_mode=False)
except Exception as error:
    print(" ".join(error.format_message().split()))
print("click:", "installed" if importlib.util.find_spec("click") else "not installed")
PY
diff <(venv/bin/python show.py) - <<'SEEN'
Invalid value for '--rate': Input should be a valid number, unable to parse string as a number
click: not installed
SEEN
echo "as stated"

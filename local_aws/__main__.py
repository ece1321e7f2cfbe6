"""`python -m local_aws --port 4566 --folder .local/aws`: the embedded AWS in the foreground."""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

from local_aws.server import serve


def main() -> None:
    parser = argparse.ArgumentParser(prog="local_aws", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--folder", type=Path, required=True, help="holds all its data; made if it is not there")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    serve(options.port, options.folder.resolve())


if __name__ == "__main__":
    main()

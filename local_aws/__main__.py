"""`python -m local_aws --port 4566 --folder .local/aws`: the embedded AWS in the foreground."""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path

from local_aws.context import BUFFER_SPEED
from local_aws.credentials import NoKeys
from local_aws.job_user import NoSuchStart
from local_aws.journal.lines import Unreadable
from local_aws.owner import FolderTaken
from local_aws.server import PortTaken, serve

OPEN = "open: signatures are not checked, so every program on this machine gets in, with any keys"

ENFORCED = "refuse what IAM's policies do not allow the caller; not with --open, where nobody knows who calls"

FASTER = "how many times faster than AWS's the clock of Firehose's buffers runs"


def main() -> None:
    parser = argparse.ArgumentParser(prog="local_aws", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--folder", type=Path, required=True, help="holds all its data; created if missing")
    parser.add_argument("--open", action="store_true", help=OPEN)
    parser.add_argument("--jobs-as", metavar="USER", help="run jobs as another user of this machine; only root may")
    parser.add_argument("--version", default="", help="of the tool that starts it; who finds it running reads it")
    parser.add_argument("--enforce-iam", action="store_true", help=ENFORCED)
    parser.add_argument("--buffer-speed", type=float, default=BUFFER_SPEED, help=FASTER)
    options = parser.parse_args()
    if options.open and options.enforce_iam:
        parser.error("--enforce-iam: who calls is not known with --open; leave out one of them")
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    if options.open:
        logging.getLogger("local_aws").warning(OPEN)
    try:
        serve(
            *(options.port, options.folder.resolve(), options.open, options.jobs_as),
            *(options.version, options.buffer_speed, options.enforce_iam),
        )
    except (NoKeys, NoSuchStart, PortTaken, Unreadable) as error:
        sys.exit(str(error))
    except FolderTaken as error:
        print(error, file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()

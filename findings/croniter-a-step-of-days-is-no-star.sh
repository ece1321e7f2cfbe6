#!/usr/bin/env bash
# croniter 7.0.0 (PyPI): a step in the day of the month together with a weekday gives other days than cron.
#
# Cron runs a job when either the day of the month or the weekday fits, unless one of them starts with a star: then both
# have to fit. */2 starts with a star, so "0 0 */2 * 1" means Mondays with an odd date. cronsim, which follows Debian's
# cron, says so. croniter takes */2 for a list of days and joins the two with "or", which gives nine times as
# many runs. Its option implement_cron_bug=True, which is off, gives cron's days.
#
# Observed output:
#   0 0 */2 * 1
#     cronsim [7, 21]
#     croniter [1, 3, 5, 7, 9, 11, 13, 14, 15, 17, 19, 21, 23, 25, 27, 28, 29, 31]
#     croniter, cron's way [7, 21]
#   0 0 1-31/2 * 1
#     cronsim [1, 3, 5, 7, 9, 11, 13, 14, 15, 17, 19, 21, 23, 25, 27, 28, 29, 31]
#     croniter [1, 3, 5, 7, 9, 11, 13, 14, 15, 17, 19, 21, 23, 25, 27, 28, 29, 31]
#     croniter, cron's way [1, 3, 5, 7, 9, 11, 13, 14, 15, 17, 19, 21, 23, 25, 27, 28, 29, 31]
set -euo pipefail
cd "$(mktemp -d)"
trap 'rm -rf "$PWD"' EXIT
python3 -m venv venv
venv/bin/pip --quiet --disable-pip-version-check install croniter==7.0.0 cronsim==2.8
cat >show.py <<'PY'
from datetime import UTC, datetime, timedelta

from croniter import croniter
from cronsim import CronSim

START = datetime(2026, 12, 1, tzinfo=UTC) - timedelta(seconds=1)


def december(runs):
    days = []
    for run in runs:
        if run.month != 12:
            return days
        days.append(run.day)


for expression in ("0 0 */2 * 1", "0 0 1-31/2 * 1"):
    print(expression)
    print("  cronsim", december(CronSim(expression, START)))
    print("  croniter", december(croniter(expression, START, ret_type=datetime)))
    print("  croniter, cron's way", december(croniter(expression, START, ret_type=datetime, implement_cron_bug=True)))
PY
diff <(venv/bin/python show.py) - <<'SEEN'
0 0 */2 * 1
  cronsim [7, 21]
  croniter [1, 3, 5, 7, 9, 11, 13, 14, 15, 17, 19, 21, 23, 25, 27, 28, 29, 31]
  croniter, cron's way [7, 21]
0 0 1-31/2 * 1
  cronsim [1, 3, 5, 7, 9, 11, 13, 14, 15, 17, 19, 21, 23, 25, 27, 28, 29, 31]
  croniter [1, 3, 5, 7, 9, 11, 13, 14, 15, 17, 19, 21, 23, 25, 27, 28, 29, 31]
  croniter, cron's way [1, 3, 5, 7, 9, 11, 13, 14, 15, 17, 19, 21, 23, 25, 27, 28, 29, 31]
SEEN
echo "as stated"

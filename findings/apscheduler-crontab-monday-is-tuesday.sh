#!/usr/bin/env bash
# apscheduler 3.11.3 (PyPI): from_crontab runs the Monday of a crontab on Tuesdays.
#
# CronTrigger.from_crontab takes "a standard crontab expression". Its numbers of weekdays count from Monday as 0, where
# cron counts from Sunday as 0. So a line copied from a crontab runs a day late without an error.
# Names of days are right. A day of the month and a weekday have to fit both, where cron takes either.
#
# Observed output:
#   0 9 * * 1 => Tue 2026-12-01, Tue 2026-12-08, Tue 2026-12-15
#   0 9 * * mon => Mon 2026-12-07, Mon 2026-12-14, Mon 2026-12-21
#   0 9 13 * fri => Fri 2027-08-13, Fri 2028-10-13, Fri 2029-04-13
set -euo pipefail
cd "$(mktemp -d)"
trap 'rm -rf "$PWD"' EXIT
python3 -m venv venv
venv/bin/pip --quiet --disable-pip-version-check install apscheduler==3.11.3 tzdata==2026.6
cat >show.py <<'PY'
from datetime import UTC, datetime

from apscheduler.triggers.cron import CronTrigger


def runs(expression, count=3):
    trigger, now, last = CronTrigger.from_crontab(expression, timezone=UTC), datetime(2026, 12, 1, tzinfo=UTC), None
    for _ in range(count):
        last = trigger.get_next_fire_time(last, now)
        now = last
        yield f"{last:%a %Y-%m-%d}"


for expression in ("0 9 * * 1", "0 9 * * mon", "0 9 13 * fri"):
    print(expression, "=>", ", ".join(runs(expression)))
PY
diff <(venv/bin/python show.py) - <<'SEEN'
0 9 * * 1 => Tue 2026-12-01, Tue 2026-12-08, Tue 2026-12-15
0 9 * * mon => Mon 2026-12-07, Mon 2026-12-14, Mon 2026-12-21
0 9 13 * fri => Fri 2027-08-13, Fri 2028-10-13, Fri 2029-04-13
SEEN
echo "as stated"

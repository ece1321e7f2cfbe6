"""Glue's catalog of databases and tables, where the emulator differs from AWS.

Names are folded to lower case, an update replaces the whole table and keeps the old version, empty fields are left
out, and tables are found by expressions and searches.
"""

from __future__ import annotations

from local_aws.catalog import names, search, tables, versions
from local_aws.context import Context
from local_aws.protocol import Handlers, stacked


def handlers(context: Context) -> Handlers:
    return stacked(tables.handlers(), versions.handlers(context), search.handlers(context), names.handlers())

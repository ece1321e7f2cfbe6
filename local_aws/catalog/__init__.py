"""Glue's catalog of databases and tables, as far as the emulator's differs from AWS's.

Names are folded to lower case, an update replaces all of a table and leaves a version behind, empty fields are not
there, and tables are found by expressions and searches.
"""

from __future__ import annotations

from local_aws.catalog import names, search, tables, versions
from local_aws.context import Context
from local_aws.protocol import Handlers, stacked


def handlers(context: Context) -> Handlers:
    return stacked(tables.handlers(), versions.handlers(context), search.handlers(context), names.handlers())

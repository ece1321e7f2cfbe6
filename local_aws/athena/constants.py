"""What a session says of itself: `current_catalog`, `current_schema`, `current_user`, `current_timezone()`."""

from __future__ import annotations

from sqlglot import exp

from local_aws.athena.dialect import UNNAMED
from local_aws.context import ACCOUNT

_VALUES: dict[type[exp.Expr], str] = {
    exp.CurrentCatalog: "awsdatacatalog",
    exp.CurrentUser: ACCOUNT,
    exp.CurrentTimezone: "UTC",
}


def put_constants(query: exp.Expr, database: str) -> None:
    """Put the values in their place, in the query itself; the user is the account."""
    for node in list(query.find_all(exp.CurrentCatalog, exp.CurrentUser, exp.CurrentTimezone, exp.Column)):
        value = _value(node, database)
        if value:
            _replace(node, exp.Literal.string(value))


def _value(node: exp.Expr, database: str) -> str:
    if isinstance(node, exp.Column):  # sqlglot takes this one for a name
        bare = node.this if isinstance(node.this, exp.Identifier) and not node.table else None
        return database if bare and not bare.quoted and bare.name.lower() == "current_schema" else ""
    return _VALUES[type(node)]


def _replace(node: exp.Expr, value: exp.Expr) -> None:
    is_output = isinstance(node.parent, exp.Select) and node.arg_key == "expressions"
    node.replace(exp.alias_(value, UNNAMED, quoted=True) if is_output else value)

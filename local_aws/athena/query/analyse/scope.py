"""Scopes: resolves names by where they occur."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from local_aws.athena.errors import QueryFailed
from local_aws.athena.query.nodes import Field, Node, Special, Variable
from local_aws.athena.query.types import Type


@dataclass(frozen=True)
class Named:
    """The fields of one relation in FROM; `name` is its alias in lower case, None without one."""

    name: str | None
    fields: tuple[Field, ...]


@dataclass(frozen=True)
class Scope:
    """The relations visible to an expression, the parameters of enclosing lambdas, and the enclosing query's scope."""

    relations: tuple[Named, ...] = ()
    parent: Scope | None = None
    variables: dict[str, Variable] = field(default_factory=dict)
    aliases: tuple[Field, ...] = ()
    depth: int = 0

    @property
    def fields(self) -> list[Field]:
        return [one for relation in self.relations for one in relation.fields]

    def with_variables(self, variables: dict[str, Variable]) -> Scope:
        return replace(self, variables={**self.variables, **variables}, depth=self.depth + len(variables))

    def joined(self, other: Scope) -> Scope:
        return replace(self, relations=self.relations + other.relations)

    def resolve(self, parts: list[str]) -> Node:
        """Return the value of a name: `column`, `alias.column`, or either followed by fields of rows.

        Raises:
            QueryFailed: COLUMN_NOT_FOUND, AMBIGUOUS_NAME.
        """
        words = [part.lower() for part in parts]
        scope: Scope | None = self
        while scope is not None:
            if (found := scope._here(words)) is not None:
                return found
            scope = scope.parent
        raise QueryFailed(f"COLUMN_NOT_FOUND: Column '{parts[-1]}' cannot be resolved")

    def _here(self, words: list[str]) -> Node | None:
        if words[0] in self.variables:
            return fields_of(self.variables[words[0]], words[1:])
        named = [one for one in self.aliases if one.name and one.name.lower() == words[0]]
        if named and len(words) == 1:
            return _only(named, words[0])
        if len(words) > 1:
            for relation in self.relations:
                if relation.name == words[0] and (found := _column(relation.fields, words[1])):
                    return fields_of(found, words[2:])
            if any(relation.name == words[0] for relation in self.relations):
                raise QueryFailed(f"COLUMN_NOT_FOUND: Column '{words[1]}' cannot be resolved")
        found = _column(self.fields, words[0])
        return fields_of(found, words[1:]) if found is not None else None

    def star(self, name: str | None) -> list[Field]:
        """Return the columns of `*` or `name.*`."""
        relations = [one for one in self.relations if name is None or one.name == name.lower()]
        if not relations and name is not None and self.parent is not None:
            return self.parent.star(name)
        if not relations:
            raise QueryFailed(
                f"TABLE_NOT_FOUND: Unable to resolve reference {name}"
                if name
                else "COLUMN_NOT_FOUND: SELECT * not allowed in queries without FROM clause"
            )
        return [one for relation in relations for one in relation.fields if not one.hidden]


def _column(fields: list[Field] | tuple[Field, ...], name: str) -> Node | None:
    found = [one for one in fields if one.name and one.name.lower() == name]
    return _only(found, name) if found else None


def _only(found: list[Field], name: str) -> Node:
    if len({one.node for one in found}) > 1:
        raise QueryFailed(f"AMBIGUOUS_NAME: Column '{name}' is ambiguous")
    return found[0].node


def fields_of(value: Node, names: list[str]) -> Node:
    """Return `value.a.b`.

    Raises:
        QueryFailed: TYPE_MISMATCH if a value is not a row, COLUMN_NOT_FOUND if a row has no such field.
    """
    for name in names:
        value = field_of(value, name)
    return value


def field_of(value: Node, name: str) -> Node:
    kind: Type = value.type
    if kind.base != "row":
        raise QueryFailed(f"TYPE_MISMATCH: Expression is not of type ROW, and has no field {name}")
    places = [i for i, own in enumerate(kind.names) if own and own.lower() == name.lower()]
    if not places:
        raise QueryFailed(f"COLUMN_NOT_FOUND: Field '{name}' cannot be resolved; the row is a {kind}")
    if len(places) > 1:
        raise QueryFailed(f"AMBIGUOUS_NAME: Ambiguous row field reference: {name}")
    return Special(kind.children[places[0]], "field", (value,), places[0])

"""The grammar of Athena's queries: sqlglot's Trino, but with all function names and types as written."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any, ClassVar

import sqlglot
from sqlglot import exp
from sqlglot.dialects.trino import Trino
from sqlglot.errors import ParseError
from sqlglot.parsers.trino import TrinoParser
from sqlglot.tokenizer_core import TokenType

from local_aws.athena.errors import QueryFailed
from local_aws.athena.query.functions import takes_at_most
from local_aws.athena.query.leftovers import refuse_leftovers
from local_aws.athena.query.types import parsed

_TYPED = {
    "bigint", "boolean", "char", "date", "decimal", "double", "integer", "ipaddress", "json", "real", "smallint",
    "time", "timestamp", "tinyint", "uuid", "varchar", "int", "color", "dec", "numeric",
}  # fmt: skip
"""Types that may stand before a text: `DATE '2020-01-01'`."""
_RESERVED = {
    "alter", "and", "as", "between", "by", "case", "cast", "constraint", "create", "cross", "cube", "current_catalog",
    "current_date", "current_path", "current_role", "current_schema", "current_time", "current_timestamp",
    "current_user", "deallocate", "delete", "describe", "distinct", "drop", "else", "end", "escape", "except", "exists",
    "extract", "false", "for", "from", "full", "group", "grouping", "having", "in", "inner", "insert",
    "intersect", "into", "is", "join", "json_array", "json_exists", "json_object", "json_query", "json_value", "left",
    "like", "listagg", "localtime", "localtimestamp", "natural", "normalize", "not", "null", "on", "or", "order",
    "outer", "prepare", "recursive", "right", "rollup", "select", "skip", "table", "then", "trim", "true", "uescape",
    "union", "unnest", "using", "values", "when", "where", "with",
}  # fmt: skip
"""Words that are no names without double quotes."""
_UNITS = ("YEAR", "MONTH", "DAY", "HOUR", "MINUTE", "SECOND", "WEEK", "QUARTER", "MILLISECOND")


_TOKENS = {"||", ">=", "<=", "<>", "!=", "->", "=>", "{%", "{%+", "{%-", "%}", "+%}", "-%}", "{{+", "{{-", "+}}", "-}}"}
"""The operators of several characters; the last ones are sqlglot's own."""
_ORDER = (
    (TokenType.TABLE_SAMPLE,), (TokenType.MATCH_RECOGNIZE,), (TokenType.WHERE,), (TokenType.GROUP_BY,),
    (TokenType.HAVING,), (TokenType.WINDOW,), (TokenType.ORDER_BY,), (TokenType.OFFSET,),
    (TokenType.LIMIT, TokenType.FETCH),
)  # fmt: skip
"""The clauses of a query after FROM, in the order in which they may stand."""


class Clauses(exp.Expression, exp.Func):
    """A function whose arguments have clauses, such as `json_value`; `options` holds the clauses."""

    arg_types: ClassVar = {"this": True, "expressions": False, "options": False}
    is_var_len_args = True


class AthenaQuery(Trino):
    """The dialect; subscripts are kept as written."""

    INDEX_OFFSET = 0

    class Tokenizer(Trino.Tokenizer):
        KEYWORDS: ClassVar[dict[str, TokenType]] = {
            word: token for word, token in Trino.Tokenizer.KEYWORDS.items() if word[0].isalpha() or word in _TOKENS
        }

    class Parser(TrinoParser):
        QUERY_MODIFIER_PARSERS: ClassVar[dict[TokenType, Any]] = {
            token: lambda self, rank=rank, token=token: self._in_order(rank, token)
            for rank, tokens in enumerate(_ORDER)
            for token in tokens
        }
        QUERY_MODIFIER_TOKENS: ClassVar = set(QUERY_MODIFIER_PARSERS)
        _rank = -1
        FUNCTIONS: ClassVar[dict[str, Any]] = {}
        FUNCTION_PARSERS: ClassVar[dict[str, Any]] = {
            "CAST": lambda self: self._cast(safe=False),
            "TRY_CAST": lambda self: self._cast(safe=True),
            "EXTRACT": lambda self: self._extract(),
            "JSON_ARRAY": lambda self: self._json_array(),
            "JSON_EXISTS": lambda self: self._json("json_exists"),
            "JSON_OBJECT": lambda self: self._json_object(),
            "JSON_QUERY": lambda self: self._json("json_query"),
            "JSON_VALUE": lambda self: self._json("json_value"),
            "LISTAGG": lambda self: self._listagg(),
            "NORMALIZE": lambda self: self._normalize(),
            "POSITION": lambda self: self._parse_position(),
            "SUBSTRING": lambda self: self._parse_substring(),
            "TRIM": lambda self: self._parse_trim(),
        }
        NO_PAREN_FUNCTIONS: ClassVar[dict[TokenType, Any]] = {
            **TrinoParser.NO_PAREN_FUNCTIONS,
            TokenType.CURRENT_SCHEMA: exp.CurrentSchema,
        }
        NO_PAREN_FUNCTION_PARSERS: ClassVar[dict[str, Any]] = {
            name: parser for name, parser in TrinoParser.NO_PAREN_FUNCTION_PARSERS.items() if name in ("CASE", "IF")
        }

        def _parse_query_modifiers(self, this: Any) -> Any:
            outer, self._rank = self._rank, -1
            try:
                return super()._parse_query_modifiers(this)
            finally:
                self._rank = outer

        def _in_order(self, rank: int, token: TokenType) -> tuple[str, Any]:
            """Parse a clause of a query; it stands after those of a lower rank."""
            if rank <= self._rank:
                self.raise_error("Clause out of order")
            self._rank = rank
            parser: Any = TrinoParser.QUERY_MODIFIER_PARSERS[token]
            key, clause = parser(self)
            if key == "limit" and clause is not None and clause.args.get("offset"):
                self.raise_error("LIMIT takes one number")
            return key, clause

        def _parse_join(self, *args: Any, **options: Any) -> exp.Join | None:
            is_comma = self._curr.token_type == TokenType.COMMA
            join = super()._parse_join(*args, **options)
            if join is None or is_comma or join.method or join.kind in ("SEMI", "ANTI"):
                return join
            if join.kind == "CROSS" and (join.args.get("on") or join.args.get("using")):
                self.raise_error("CROSS JOIN takes no condition", self._prev)
            if join.kind != "CROSS" and not (join.args.get("on") or join.args.get("using")):
                self.raise_error("Expecting ON")
            return join

        def _parse_csv(self, parse_method: Any, sep: TokenType = TokenType.COMMA) -> list[Any]:
            """Parse a list; there is an item before and after each comma."""
            items: list[Any] = []
            while True:
                item = parse_method()
                if item is None and (items or self._curr.token_type == sep):
                    self.raise_error("Expecting an item")
                items += [] if item is None else [item]
                if not self._match(sep):
                    return items

        def _match_r_paren(self, expression: exp.Expr | None = None) -> None:
            if isinstance(expression, exp.Anonymous):
                given, most = len(expression.expressions), takes_at_most(expression.name)
                if most is not None and given > most:
                    self.raise_error(f"arguments ({given}) is greater than the number of arguments ({most})")
            super()._match_r_paren(expression)

        def _parse_type(self, parse_interval: bool = True, fallback_to_identifier: bool = False) -> exp.Expr | None:
            if parse_interval and (interval := self._interval()):
                return self._parse_column_ops(interval)
            if typed := self._typed_literal():
                return self._parse_column_ops(typed)
            if not fallback_to_identifier and (atom := self._parse_atom()) is not None:
                return atom
            return self._parse_id_var() if fallback_to_identifier else self._parse_column()

        def _parse_id_var(self, any_token: bool = True, tokens: Collection[TokenType] | None = None) -> exp.Expr | None:
            """A text in single quotes is a value, and the name of nothing."""
            is_text = self._curr is not None and self._curr.token_type == TokenType.STRING
            return None if is_text else super()._parse_id_var(any_token, tokens)

        def _parse_string_as_identifier(self) -> exp.Identifier | None:
            return None

        def _typed_literal(self) -> exp.Expr | None:
            if not self._curr or not self._next or self._next.token_type != TokenType.STRING:
                return None
            name = {"double precision": "double"}.get(self._curr.text.lower(), self._curr.text.lower())
            if self._curr.token_type == TokenType.IDENTIFIER or name not in _TYPED:
                return None
            self._advance()
            text = exp.Literal.string(self._curr.text)
            self._advance()
            return self.expression(exp.Introducer(this=name, expression=text))

        def _interval(self) -> exp.Expr | None:
            if not self._curr or self._curr.text.upper() != "INTERVAL" or not self._next:
                return None
            index = self._index
            self._advance()
            sign = "-" if self._match(TokenType.DASH) else ""
            self._match(TokenType.PLUS)
            if not self._match(TokenType.STRING):
                self._retreat(index)
                return None
            text, unit = self._prev.text, self._unit()
            if self._match_text_seq("TO"):
                unit = f"{unit} to {self._unit()}"
            return self.expression(exp.Interval(this=exp.Literal.string(sign + text), unit=exp.Var(this=unit)))

        def _unit(self) -> str:
            if not self._curr or self._curr.text.upper() not in _UNITS:
                self.raise_error("Expecting a unit of time")
            self._advance()
            return str(self._prev.text).lower()

        def _sql_type(self) -> exp.Expr:
            """Parse the words of a type, up to the comma or bracket after it."""
            words: list[str] = []
            first, depth = self._curr, 0
            while self._curr and (depth or self._curr.token_type not in (TokenType.COMMA, TokenType.R_PAREN)):
                if not depth and words and self._curr.text.upper() in ("FORMAT", "NULL", "ERROR", "DEFAULT", "EMPTY"):
                    break
                depth += {TokenType.L_PAREN: 1, TokenType.R_PAREN: -1}.get(self._curr.token_type, 0)
                quoted = self._curr.token_type == TokenType.IDENTIFIER
                words.append(f'"{self._curr.text}"' if quoted else self._curr.text)
                self._advance()
            text = " ".join(words)
            try:
                parsed(text)
            except QueryFailed as failure:
                if str(failure).startswith("TYPE_NOT_FOUND"):
                    self.raise_error("Expected TYPE", first)
                raise
            return exp.DataType(this=exp.DType.USERDEFINED, kind=text)

        def _cast(self, safe: bool) -> exp.Expr:
            this = self._parse_disjunction()
            if not self._match(TokenType.ALIAS):
                self.raise_error("Expecting AS")
            kind = exp.TryCast if safe else exp.Cast
            return self.expression(kind(this=this, to=self._sql_type()))

        def _extract(self) -> exp.Expr:
            name = self._curr.text.lower()
            self._advance()
            if not self._match(TokenType.FROM):
                self.raise_error("Expecting FROM", self._curr)
            values = [exp.Literal.string(name), self._parse_bitwise()]
            return self.expression(exp.Anonymous(this="extract", expressions=values))

        def _normalize(self) -> exp.Expr:
            values = [self._parse_bitwise()]
            if self._match(TokenType.COMMA):
                values.append(exp.Literal.string(self._curr.text))
                self._advance()
            return self.expression(exp.Anonymous(this="normalize", expressions=values))

        def _listagg(self) -> exp.Expr:
            values = self._parse_csv(self._parse_lambda)
            if self._match_text_seq("ON", "OVERFLOW"):
                if not (self._match_text_seq("ERROR") or self._match_text_seq("TRUNCATE")):
                    self.raise_error("Expecting ERROR or TRUNCATE")
                while self._curr and self._curr.token_type != TokenType.R_PAREN:
                    self._advance()
            return self.expression(exp.Anonymous(this="listagg", expressions=values))

        def _json_value(self) -> exp.Expr:
            """Parse an argument; `FORMAT JSON` after it means that its text is already JSON."""
            value = self._parse_bitwise() or exp.Null()
            if not self._match_text_seq("FORMAT", "JSON"):
                return value
            return Clauses(this="format_json", expressions=[value], options={"encoding": self._encoding()})

        def _encoding(self) -> str | None:
            if not self._match_text_seq("ENCODING"):
                return None
            self._advance()
            return str(self._prev.text).lower()

        def _json(self, name: str) -> exp.Expr:
            values = [self._json_value()]
            self._match(TokenType.COMMA)
            options: dict[str, Any] = {"path": self._parse_primary(), "names": []}
            if self._match_text_seq("PASSING"):
                passed = self._parse_csv(self._passed)
                values += [value for value, _ in passed]
                options["names"] = [given for _, given in passed]
            self._clauses(options)
            return self.expression(Clauses(this=name, expressions=values, options=options))

        def _passed(self) -> tuple[exp.Expr, str]:
            value = self._json_value()
            self._match(TokenType.ALIAS)
            name = self._curr
            self._advance()
            return value, name.text if name.token_type == TokenType.IDENTIFIER else name.text.upper()

        def _clauses(self, options: dict[str, Any]) -> None:
            while self._curr and self._curr.token_type != TokenType.R_PAREN:
                if self._match_text_seq("RETURNING"):
                    options["returning"] = self._sql_type().args["kind"]
                elif self._match_text_seq("FORMAT", "JSON"):
                    self._encoding()
                elif self._match_text_seq("KEEP", "QUOTES") or self._match_text_seq("OMIT", "QUOTES"):
                    options["quotes"] = self._tokens[self._index - 2].text.lower()
                    self._match_text_seq("ON", "SCALAR", "STRING")
                elif not self._wrapper(options) and not self._when(options):
                    self.raise_error("Expecting )")

        def _wrapper(self, options: dict[str, Any]) -> bool:
            if self._match_text_seq("WITHOUT"):
                kind = "without"
            elif self._match_text_seq("WITH"):
                kind = "conditional" if self._match_text_seq("CONDITIONAL") else "unconditional"
                self._match_text_seq("UNCONDITIONAL")
            else:
                return False
            self._match_text_seq("ARRAY")
            options["wrapper"] = kind
            return bool(self._match_text_seq("WRAPPER"))

        def _when(self, options: dict[str, Any]) -> bool:
            """Parse `NULL ON EMPTY`, `DEFAULT 1 ON ERROR`..."""
            if self._match_text_seq("DEFAULT"):
                how: Any = self._parse_bitwise()
            elif self._match_text_seq("EMPTY", "ARRAY"):
                how = "empty array"
            elif self._match_text_seq("EMPTY", "OBJECT"):
                how = "empty object"
            else:
                how = self._curr.text.lower()
                self._advance()
            if not self._match_text_seq("ON"):
                return False
            options[f"on_{self._curr.text.lower()}"] = how
            self._advance()
            return True

        def _json_object(self) -> exp.Expr:
            options: dict[str, Any] = {"on_null": "null"}
            values: list[exp.Expr] = []
            while self._curr and self._curr.token_type != TokenType.R_PAREN:
                if self._constructor(options):
                    continue
                self._match_text_seq("KEY")
                values.append(self._parse_bitwise() or exp.Null())
                if not (self._match_text_seq("VALUE") or self._match(TokenType.COLON)):
                    self.raise_error("Expecting VALUE")
                values.append(self._json_value())
                self._match(TokenType.COMMA)
            return self.expression(Clauses(this="json_object", expressions=values, options=options))

        def _json_array(self) -> exp.Expr:
            options: dict[str, Any] = {"on_null": "absent"}
            values: list[exp.Expr] = []
            while self._curr and self._curr.token_type != TokenType.R_PAREN:
                if not self._constructor(options):
                    values.append(self._json_value())
                    self._match(TokenType.COMMA)
            return self.expression(Clauses(this="json_array", expressions=values, options=options))

        def _constructor(self, options: dict[str, Any]) -> bool:
            for how in ("NULL", "ABSENT"):
                if self._match_text_seq(how, "ON", "NULL"):
                    options["on_null"] = how.lower()
                    return True
            if self._match_text_seq("RETURNING"):
                options["returning"] = self._sql_type().args["kind"]
                return True
            if self._match_text_seq("FORMAT", "JSON"):
                self._encoding()
                return True
            if self._match_text_seq("WITH", "UNIQUE") or self._match_text_seq("WITHOUT", "UNIQUE"):
                options["unique"] = self._tokens[self._index - 2].text.upper() == "WITH"
                self._match_text_seq("KEYS")
                return True
            return False


def parse(sql: str) -> exp.Expr:
    """Parse one statement.

    Raises:
        sqlglot.errors.SqlglotError: it is not valid SQL.
        QueryFailed: it has a clause that Athena does not have, or that does not run here.
    """
    tree = sqlglot.parse_one(_close(sql), read=AthenaQuery)
    _refuse_reserved(tree)
    refuse_leftovers(tree)
    return tree


def parse_all(sql: str) -> list[exp.Expr | None]:
    trees = sqlglot.parse(_close(sql), read=AthenaQuery)
    for tree in trees:
        if tree is not None:
            _refuse_reserved(tree)
            refuse_leftovers(tree)
    return trees


def _refuse_reserved(tree: exp.Expr) -> None:
    for name in tree.find_all(exp.Identifier):
        if not name.args.get("quoted") and name.name.lower() in _RESERVED and "start" in name.meta:
            raise ParseError("", [{"description": "Reserved word", "highlight": name.name, **name.meta}])


def _close(sql: str) -> str:
    """Remove the blanks inside `X'65 66'`, which the tokenizer does not support."""
    return re.sub(
        r"(?<![\w'\"])([xX])'([0-9A-Fa-f\s]+)'", lambda found: f"{found[1]}'{''.join(found[2].split())}'", sql
    )

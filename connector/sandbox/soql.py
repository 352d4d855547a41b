"""The grammar of the SOQL subset: text in, a tree out, or MALFORMED_QUERY with the place of the mistake.

Knows no objects and no rows. Work is bounded: the text, the nesting and the lists are limited, and every token is
read once, so hostile input costs no more than its length.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from connector.sandbox.errors import Refusal
from connector.sandbox.values import parse_datetime

LONGEST_QUERY = 100_000
DEEPEST = 40
OFFSET_LIMIT = 2_000
_TOKEN = re.compile(
    r"""(?P<space>\s+)
      | (?P<text>'(?:[^'\\]|\\.)*')
      | (?P<instant>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:?\d\d))
      | (?P<day>\d{4}-\d\d-\d\d)
      | (?P<number>[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d{1,2})?(?![\w.]))
      | (?P<word>[A-Za-z]\w*(?:\.[A-Za-z]\w*)*)
      | (?P<sign>!=|<>|<=|>=|[=<>(),:])""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f", '"': '"', "'": "'", "\\": "\\", "_": "_", "%": "%"}
_RESERVED = {"from", "where", "and", "or", "not", "in", "like", "order", "limit", "offset", "group", "asc", "desc"}
AGGREGATES = ("COUNT", "SUM", "MIN", "MAX", "AVG", "COUNT_DISTINCT")


@dataclass(frozen=True)
class Token:
    """One word of the query and where it stands."""

    kind: str
    text: str
    at: int


@dataclass(frozen=True)
class RelativeDay:
    """A date literal such as TODAY or LAST_N_DAYS:90."""

    name: str
    count: int = 0


@dataclass(frozen=True)
class Quoted:
    """A text literal; `raw` keeps the escapes, which LIKE reads differently."""

    raw: str

    @property
    def value(self) -> str:
        """The text without escapes."""
        return "".join(char for char, _ in unescape(self.raw))


@dataclass(frozen=True)
class Condition:
    """`path operator value`; the value of IN and NOT IN is a tuple or a `Query` of one field."""

    path: str
    operator: str
    value: Any


@dataclass(frozen=True)
class Group:
    """`and`, `or` over all parts, or `not` over the only one."""

    word: str
    parts: tuple[Any, ...]


@dataclass(frozen=True)
class Aggregate:
    """`COUNT(Id)`, `SUM(Amount) total`; without alias Salesforce answers `expr0`, `expr1`."""

    function: str
    path: str
    alias: str


@dataclass
class Query:
    """A parsed query. `fields` holds paths, sub-queries (children) and aggregates in the order written."""

    fields: list[Any] = field(default_factory=list)
    is_count: bool = False
    source: str = ""
    where: Any = None
    group_by: list[str] = field(default_factory=list)
    order: list[tuple[str, bool, bool]] = field(default_factory=list)  # path, descending, nulls last
    limit: int | None = None
    offset: int = 0


def unescape(raw: str) -> list[tuple[str, bool]]:
    """Characters of a literal with whether each was escaped. Raises `Refusal` for an escape SOQL does not know."""
    result: list[tuple[str, bool]] = []
    at = 0
    while at < len(raw):
        if raw[at] != "\\":
            result.append((raw[at], False))
            at += 1
        elif raw[at + 1] == "u" and re.match(r"[0-9a-fA-F]{4}", raw[at + 2 : at + 6]):
            result.append((chr(int(raw[at + 2 : at + 6], 16)), True))
            at += 6
        elif raw[at + 1].lower() in _ESCAPES:
            result.append((_ESCAPES[raw[at + 1].lower()], True))
            at += 2
        else:
            raise Refusal("MALFORMED_QUERY", f"Illegal escape sequence \\{raw[at + 1]} in string literal")
    return result


def malformed(text: str, at: int, message: str) -> Refusal:
    """MALFORMED_QUERY with the surroundings of the mistake, as Salesforce draws it."""
    start = max(0, at - 30)
    shown = text[start : at + 30].replace("\n", " ")
    return Refusal("MALFORMED_QUERY", f"\n{shown}\n{' ' * (at - start)}^\nERROR at Row:1:Column:{at + 1}\n{message}")


def tokens_of(text: str) -> list[Token]:
    """The words of a query. Raises `Refusal` MALFORMED_QUERY."""
    if len(text) > LONGEST_QUERY:
        raise Refusal("MALFORMED_QUERY", f"SOQL statements cannot be longer than {LONGEST_QUERY} characters.")
    found: list[Token] = []
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise malformed(text, at, f"unexpected token: '{text[at]}'")
        if match.lastgroup != "space":
            found.append(Token(match.lastgroup or "", match.group(), at))
        at = match.end()
    return found


def parse(text: str) -> Query:
    """The tree of a query. Raises `Refusal` MALFORMED_QUERY."""
    parser = _Parser(text)
    query = parser.query(inner=False)
    parser.expect_end()
    return query


class _Parser:
    """Recursive descent over the tokens; `_deep` bounds the recursion."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = tokens_of(text)
        self._next = 0
        self._deep = 0

    # Words

    def _peek(self, ahead: int = 0) -> Token:
        at = self._next + ahead
        return self._tokens[at] if at < len(self._tokens) else Token("end", "<EOF>", len(self._text))

    def _take(self) -> Token:
        token = self._peek()
        self._next += 1
        return token

    def _is(self, *words: str, ahead: int = 0) -> bool:
        return self._peek(ahead).text.lower() in words and self._peek(ahead).kind in ("word", "sign")

    def _skip(self, word: str) -> bool:
        if self._is(word):
            self._next += 1
            return True
        return False

    def _expect(self, word: str) -> None:
        if not self._skip(word):
            raise self._unexpected(f"expecting {word}")

    def _unexpected(self, hint: str = "") -> Refusal:
        token = self._peek()
        return malformed(self._text, token.at, f"unexpected token: '{token.text[:40]}'{f' ({hint})' if hint else ''}")

    def expect_end(self) -> None:
        """Refuse anything behind the query."""
        if self._peek().kind != "end":
            raise self._unexpected()

    def _name(self) -> str:
        token = self._peek()
        if token.kind != "word" or token.text.lower() in _RESERVED:
            raise self._unexpected("expecting a name")
        self._next += 1
        return token.text

    # Clauses

    def query(self, *, inner: bool) -> Query:
        """SELECT ... FROM ... and the clauses behind it."""
        query = Query()
        self._expect("select")
        query.fields = self._fields(query, inner=inner)
        self._expect("from")
        if self._peek().kind != "word":
            raise self._unexpected("expecting an object")
        # Not `_name`: Order is an object as well as a reserved word.
        query.source = self._take().text
        if self._skip("where"):
            query.where = self._conditions()
        if self._skip("group"):
            self._expect("by")
            query.group_by = self._list(self._name)
        if self._skip("order"):
            self._expect("by")
            query.order = self._list(self._ordering)
        if self._skip("limit"):
            query.limit = self._count()
        if self._skip("offset"):
            query.offset = self._count()
            if query.offset > OFFSET_LIMIT:
                raise Refusal("NUMBER_OUTSIDE_VALID_RANGE", f"Maximum SOQL offset allowed is {OFFSET_LIMIT}")
        return query

    def _list(self, read: Any) -> list[Any]:
        items = [read()]
        while self._skip(","):
            items.append(read())
        return items

    def _fields(self, query: Query, *, inner: bool) -> list[Any]:
        if self._is("count") and self._is("(", ahead=1) and self._is(")", ahead=2):
            self._next += 3
            query.is_count = True
            return []
        return self._list(lambda: self._field(inner=inner))

    def _field(self, *, inner: bool) -> Any:
        if self._is("("):
            if inner:
                raise self._unexpected("sub-queries cannot be nested")
            self._next += 1
            child = self.query(inner=True)
            self._expect(")")
            return child
        name = self._name()
        if not self._is("("):
            return name
        if name.upper() not in (*AGGREGATES, "FIELDS"):
            raise self._unexpected(f"function {name[:40]} is not known here")
        self._next += 1
        path = self._name()
        self._expect(")")
        alias = self._name() if self._peek().kind == "word" and not self._is(*_RESERVED) else ""
        return Aggregate(name.upper(), path, alias)

    def _ordering(self) -> tuple[str, bool, bool]:
        path = self._name()
        descending = self._skip("desc")
        if not descending:
            self._skip("asc")
        nulls_last = False
        if self._skip("nulls"):
            nulls_last = self._skip("last")
            if not nulls_last:
                self._expect("first")
        return path, descending, nulls_last

    def _count(self) -> int:
        token = self._take()
        if token.kind != "number" or not token.text.isdigit() or len(token.text) > 9:
            self._next -= 1
            raise self._unexpected("expecting a whole number")
        return int(token.text)

    # Conditions

    def _conditions(self) -> Any:
        self._deep += 1
        if self._deep > DEEPEST:
            raise malformed(self._text, self._peek().at, "condition is nested too deeply")
        parts = [self._condition()]
        word = self._peek().text.lower()
        if word in ("and", "or") and self._peek().kind == "word":
            while self._skip(word):
                parts.append(self._condition())
            if self._is("and", "or"):
                # AND and OR side by side need parentheses on the real platform too.
                raise self._unexpected()
        self._deep -= 1
        return Group(word, tuple(parts)) if len(parts) > 1 else parts[0]

    def _condition(self) -> Any:
        if self._skip("not"):
            self._deep += 1
            if self._deep > DEEPEST:
                raise malformed(self._text, self._peek().at, "condition is nested too deeply")
            inner = self._condition()
            self._deep -= 1
            return Group("not", (inner,))
        if self._skip("("):
            inside = self._conditions()
            self._expect(")")
            return inside
        path = self._name()
        if self._skip("not"):
            self._expect("in")
            return Condition(path, "not in", self._members())
        if self._skip("in"):
            return Condition(path, "in", self._members())
        if self._skip("like"):
            return Condition(path, "like", self._literal())
        token = self._take()
        if token.text not in ("=", "!=", "<>", "<", ">", "<=", ">="):
            self._next -= 1
            raise self._unexpected("expecting an operator")
        return Condition(path, "!=" if token.text == "<>" else token.text, self._literal())

    def _members(self) -> Any:
        self._expect("(")
        if self._is("select"):
            inside: Any = self.query(inner=True)
        else:
            inside = tuple(self._list(self._literal))
        self._expect(")")
        return inside

    def _literal(self) -> Any:
        token = self._take()
        if token.kind == "text":
            unescape(token.text[1:-1])
            return Quoted(token.text[1:-1])
        if token.kind == "number":
            return Decimal(token.text)
        if token.kind in ("instant", "day"):
            return self._moment(token)
        if token.kind == "word" and "." not in token.text:
            return self._word_literal(token)
        self._next -= 1
        raise self._unexpected("expecting a value")

    def _moment(self, token: Token) -> date | datetime:
        try:
            return parse_datetime(token.text) if token.kind == "instant" else date.fromisoformat(token.text)
        except ValueError as mistake:
            raise malformed(self._text, token.at, f"invalid date or time: {token.text}") from mistake

    def _word_literal(self, token: Token) -> Any:
        word = token.text.upper()
        if word in ("TRUE", "FALSE", "NULL"):
            return {"TRUE": True, "FALSE": False, "NULL": None}[word]
        if word in ("LAST_N_DAYS", "NEXT_N_DAYS") and self._skip(":"):
            return RelativeDay(word, self._count())
        if word in ("TODAY", "YESTERDAY", "TOMORROW", "THIS_MONTH", "LAST_MONTH", "THIS_YEAR", "LAST_YEAR"):
            return RelativeDay(word)
        self._next -= 1
        raise self._unexpected("expecting a value")

"""Column types that keep what databases lose: Decimal digits, time zones, exact JSON.

SQLite stores Decimal as float and instants without zone and says nothing; these types make both databases answer alike.
"""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Dialect

_AMOUNT_PLACES = 4
# A sum of thousands of amounts must still fit into 64 bits.
_LARGEST_AMOUNT = 10**15


class ExactDecimal(sa.types.TypeDecorator[Decimal]):
    """A Decimal with all its digits: NUMERIC on PostgreSQL, text on SQLite."""

    impl = sa.Numeric
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> sa.types.TypeEngine[Any]:
        if dialect.name == "sqlite":
            return dialect.type_descriptor(sa.String(80))
        return dialect.type_descriptor(sa.Numeric(asdecimal=True))

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        if not isinstance(value, Decimal):
            raise TypeError(f"an amount must be a Decimal, not {type(value).__name__}")
        return format(value, "f") if dialect.name == "sqlite" else value

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:
        return None if value is None else Decimal(value)


class ExactAmount(sa.types.TypeDecorator[Decimal]):
    """An amount of money that the database can sum exactly: whole ten-thousandths, the smallest unit of any currency.

    SQLite would sum texts as floats; whole numbers it adds without loss.
    """

    impl = sa.BigInteger
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> int | None:
        if value is None:
            return None
        if not isinstance(value, Decimal):
            raise TypeError(f"an amount must be a Decimal, not {type(value).__name__}")
        scaled = value.scaleb(_AMOUNT_PLACES)
        if scaled != scaled.to_integral_value() or abs(scaled) >= _LARGEST_AMOUNT:
            raise ValueError(f"{value} is no amount of any currency")
        return int(scaled)

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:
        return None if value is None else Decimal(int(value)).scaleb(-_AMOUNT_PLACES)


class UtcDateTime(sa.types.TypeDecorator[datetime]):
    """An aware UTC instant; a naive one is refused. Fixed-width text on SQLite, so that it sorts by time."""

    impl = sa.DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> sa.types.TypeEngine[Any]:
        if dialect.name == "sqlite":
            return dialect.type_descriptor(sa.String(32))
        return dialect.type_descriptor(sa.DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("an instant must carry its time zone")
        instant = value.astimezone(UTC)
        return instant.strftime("%Y-%m-%dT%H:%M:%S.%f+00:00") if dialect.name == "sqlite" else instant

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return datetime.fromisoformat(value) if isinstance(value, str) else value.astimezone(UTC)


class ExactJson(sa.types.TypeDecorator[Any]):
    """A JSON document in which Decimal, date and instant survive, as {"$decimal": "1.10"} and so on."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        return None if value is None else dump_exact(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        return None if value is None else load_exact(value)


class DumpedJson(str):
    """The text of a document that `dump_exact` has made already, for values that many rows share."""

    __slots__ = ()


def dump_exact(value: Any) -> str:
    """The document as text, keys sorted, so that equal documents are equal text. Refuses float."""
    if isinstance(value, DumpedJson):
        return str(value)
    return json.dumps(_encoded(value), sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def load_exact(text: str) -> Any:
    """The document that `dump_exact` wrote."""
    return json.loads(text, object_hook=_decoded)


def _encoded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _encoded(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_encoded(item) for item in value]
    if isinstance(value, float):
        raise TypeError("a float has no place in stored data")
    if isinstance(value, Decimal):
        return {"$decimal": format(value, "f")}
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError("an instant must carry its time zone")
        return {"$instant": value.astimezone(UTC).isoformat()}
    if isinstance(value, date):
        return {"$date": value.isoformat()}
    return value


_DECODERS: dict[str, Any] = {
    "$decimal": Decimal,
    "$instant": datetime.fromisoformat,
    "$date": date.fromisoformat,
}


def _decoded(item: dict[str, Any]) -> Any:
    if len(item) == 1:
        ((key, value),) = item.items()
        if key in _DECODERS:
            return _DECODERS[key](value)
    return item

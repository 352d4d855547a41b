"""Sums of amounts inside the database, without a float: NUMERIC on PostgreSQL, whole ten-thousandths on SQLite.

Exists because SQLite keeps amounts as text with all their digits and would add them as floats. Everything here answers
whole ten-thousandths, the smallest unit of any currency. Only for amounts of money, which are rounded to the places of
their currency; unit prices may have more and do not belong here.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

_PLACES = 4


def in_units(connection: Connection, column: Any) -> Any:
    """An amount column as whole ten-thousandths."""
    if connection.dialect.name != "sqlite":
        return sa.cast(column * sa.literal(10**_PLACES, sa.Numeric), sa.Numeric)
    text = sa.type_coerce(column, sa.String)
    point = sa.func.instr(text, ".")
    places = sa.case((point == 0, 0), else_=sa.func.length(text) - point)
    factor = sa.case({count: 10 ** (_PLACES - count) for count in range(_PLACES + 1)}, value=places)
    return sa.cast(sa.func.replace(text, ".", ""), sa.BigInteger) * factor


def units(column: Any) -> Any:
    """An amount that is kept as whole ten-thousandths already, as the number that it is."""
    return sa.type_coerce(column, sa.BigInteger)


def amount_of(found: Any) -> Decimal:
    """A sum of whole ten-thousandths as the amount that it is; nothing summed is zero."""
    return Decimal(int(found or 0)).scaleb(-_PLACES)

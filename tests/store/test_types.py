"""What databases lose by themselves must survive: every digit, every zone, every kind of value in a document."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connector.store.types import ExactDecimal, ExactJson, UtcDateTime, dump_exact, load_exact
from connector.store.unit_of_work import Database

_TABLE = sa.Table(
    "exact",
    sa.MetaData(),
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("amount", ExactDecimal),
    sa.Column("moment", UtcDateTime),
    sa.Column("document", ExactJson),
)

_DECIMALS = st.decimals(allow_nan=False, allow_infinity=False, places=12, min_value=-(10**20), max_value=10**20)
_INSTANTS = st.datetimes(min_value=datetime(1970, 1, 2), max_value=datetime(2200, 1, 1)).map(  # noqa: DTZ001
    lambda moment: moment.replace(tzinfo=UTC)
)
# PostgreSQL has no text with the character zero; JSON text is stored as text.
_TEXT = st.text(st.characters(exclude_characters="\x00", exclude_categories=("Cs",)), max_size=20)
_LEAVES = st.one_of(st.none(), st.booleans(), st.integers(), _DECIMALS, st.dates(), _INSTANTS, _TEXT)
_DOCUMENTS = st.recursive(
    _LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(_TEXT.filter(lambda key: key[:1] != "$"), inner, max_size=4)
    ),
    max_leaves=12,
)


@pytest.fixture
def exact_database(database: Database) -> Database:
    _TABLE.create(database.writer)
    return database


def _round_trip(database: Database, **values: Any) -> Any:
    with database.unit_of_work() as work:
        work.execute(_TABLE.delete())
        work.execute(_TABLE.insert().values(**values))
        row = work.execute(sa.select(_TABLE)).one()
        work.commit()
    return row


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(amount=_DECIMALS, moment=_INSTANTS, document=_DOCUMENTS)
def test_values_come_back_as_they_were_put(
    exact_database: Database, amount: Decimal, moment: datetime, document: Any
) -> None:
    row = _round_trip(exact_database, amount=amount, moment=moment, document=document)

    assert row.amount == amount
    assert (row.moment, row.moment.utcoffset()) == (moment, timedelta(0))
    assert row.document == document


@settings(max_examples=200, deadline=None)
@given(document=_DOCUMENTS)
def test_a_document_is_the_same_after_writing_and_reading(document: Any) -> None:
    again = load_exact(dump_exact(document))

    assert again == document
    assert dump_exact(again) == dump_exact(document), "equal documents are equal text"


@given(document=_DOCUMENTS)
def test_kinds_survive_not_only_values(document: Any) -> None:
    def kinds(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: kinds(item) for key, item in value.items()}
        return [kinds(item) for item in value] if isinstance(value, list) else type(value)

    assert kinds(load_exact(dump_exact(document))) == kinds(document)


@pytest.mark.parametrize("amount", ["0.1", "12345678901234567890.123456789012", "-0.0000375", "1E+3", "100.10"])
def test_no_digit_of_an_amount_is_lost(exact_database: Database, amount: str) -> None:
    assert _round_trip(exact_database, amount=Decimal(amount)).amount == Decimal(amount)


def test_amounts_keep_their_places(exact_database: Database) -> None:
    assert str(_round_trip(exact_database, amount=Decimal("100.10")).amount) == "100.10"


def test_an_instant_of_another_zone_is_the_same_instant(exact_database: Database) -> None:
    moment = datetime(2026, 3, 29, 2, 30, tzinfo=timezone(timedelta(hours=5, minutes=45)))

    assert _round_trip(exact_database, moment=moment).moment == moment


def test_instants_sort_by_time(exact_database: Database) -> None:
    moments = [datetime(2026, 1, 1, tzinfo=UTC) + timedelta(microseconds=step) for step in (999_999, 0, 1_000_000, 7)]
    with exact_database.unit_of_work() as work:
        work.execute(_TABLE.insert(), [{"moment": moment} for moment in moments])
        found = list(work.execute(sa.select(_TABLE.c.moment).order_by(_TABLE.c.moment)).scalars())
        work.commit()

    assert found == sorted(moments)


@pytest.mark.parametrize("amount", [1.5, 3, "3"])
def test_an_amount_that_is_no_decimal_is_refused(exact_database: Database, amount: Any) -> None:
    with pytest.raises(sa.exc.StatementError, match="must be a Decimal"):
        _round_trip(exact_database, amount=amount)


def test_an_instant_without_a_zone_is_refused(exact_database: Database) -> None:
    with pytest.raises(sa.exc.StatementError, match="time zone"):
        _round_trip(exact_database, moment=datetime(2026, 1, 1))  # noqa: DTZ001


@pytest.mark.parametrize("document", [1.5, [1.5], {"a": {"b": 0.1}}])
def test_a_float_in_a_document_is_refused(document: Any) -> None:
    with pytest.raises(TypeError, match="float"):
        dump_exact(document)


def test_a_naive_instant_in_a_document_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        dump_exact({"at": datetime(2026, 1, 1)})  # noqa: DTZ001


def test_keys_in_another_order_are_the_same_text() -> None:
    assert dump_exact({"a": 1, "b": date(2026, 1, 1)}) == dump_exact({"b": date(2026, 1, 1), "a": 1})

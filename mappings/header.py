"""The header of an order read from a record: customer, money, terms, and what the deal does to its contract.

Exists apart from the lines because lines take from it what they do not say themselves. It judges only what contradicts
itself or cannot be read; whether the deal makes commercial sense is decided elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from connector.domain.money import currency_places
from connector.domain.terms import Address, Customer, DealType
from mappings.dates import NotADate, months_after
from mappings.faults import label, named_field
from mappings.numbers import decimal_places
from mappings.plans import ObjectPlan, PersonPlan
from mappings.reading import RowReader
from mappings.targets import HEADER

# A deal that changes or renews a contract must name it; a first one has none.
_CHANGES = frozenset(DealType) - {DealType.NEW}
# These may leave their end to the contract; a renewal brings a term of its own.
_CO_TERMED = frozenset({DealType.UPSELL, DealType.DOWNSELL, DealType.AMENDMENT})
_BEYOND_EVERY_CONTRACT = 1200


@dataclass(frozen=True, slots=True)
class Header:
    """Typed header values by target, None where empty or faulty.

    `ends_on` is exclusive and worked out from the term. `is_co_termed` says that a change names no end of its own.
    """

    values: Mapping[str, Any]
    starts_on: date | None
    ends_on: date | None
    customer: Customer
    is_co_termed: bool

    def __getitem__(self, target: str) -> Any:
        return self.values.get(target)


def read_header(*, reader: RowReader, plan: ObjectPlan) -> Header:
    """The header's values; everything that is wrong with them is in the reader's faults."""
    person = _person(reader, plan.person)
    unread = {*_TERM, *person}
    values = {name: _value(reader, plan, name) for name in HEADER if name not in unread} | person
    _check_change(reader, plan, values)
    values["starts_on"], values["ends_on"], values["term_months"] = (_value(reader, plan, name) for name in _TERM)
    is_co_termed = _is_co_termed(values) and not reader.faulty.intersection(_TERM)
    starts_on, ends_on = _co_term(values) if is_co_termed else _term(reader, plan, values)
    _check_total(reader, plan, values)
    return Header(values, starts_on, ends_on, _customer(values), is_co_termed)


_TERM = ("starts_on", "ends_on", "term_months")


def _value(reader: RowReader, plan: ObjectPlan, name: str) -> Any:
    reading = plan.header.get(name)
    return HEADER[name].default if reading is None else reader.value_or_default(reading)


def _is_co_termed(values: Mapping[str, Any]) -> bool:
    """Whether a change says when it starts and leaves its end to the contract it changes."""
    has_end = values["ends_on"] is not None or values["term_months"] is not None
    return values["deal_type"] in _CO_TERMED and values["starts_on"] is not None and not has_end


def _co_term(values: Mapping[str, Any]) -> tuple[date, date]:
    """The first day, and an end beyond every contract that stands for the contract's own end."""
    starts_on: date = values["starts_on"]
    try:
        return starts_on, months_after(starts_on, months=_BEYOND_EVERY_CONTRACT)
    except NotADate:
        return starts_on, date.max


def _term(reader: RowReader, plan: ObjectPlan, values: Mapping[str, Any]) -> tuple[date | None, date | None]:
    """First day and exclusive end from start and term, start and end, or both when they agree."""
    starts_on, ends_on, months = (values[name] for name in _TERM)
    if reader.faulty.intersection((*_TERM, "cancel_from")):
        return starts_on, ends_on
    if values["deal_type"] is DealType.CANCELLATION and ends_on is None and months is None:
        # A cancellation needs no term of its own: it has one date, the first day without service.
        return starts_on or values["cancel_from"], values["cancel_from"]
    if starts_on is None:
        reader.missing(HEADER["starts_on"], _fields(plan, "starts_on"))
    elif months is None and ends_on is None:
        reader.missing(HEADER["ends_on"], _fields(plan, "ends_on", "term_months"))
    elif months is not None:
        return starts_on, _end_of_term(reader, plan, starts_on, months, ends_on)
    return starts_on, ends_on


def _end_of_term(
    reader: RowReader, plan: ObjectPlan, starts_on: date, months: int, ends_on: date | None
) -> date | None:
    term_field = _fields(plan, "term_months")
    try:
        end_by_term = months_after(starts_on, months=months)
    except NotADate:
        reader.report(
            HEADER["term_months"], code="NUMBER_TOO_LARGE", path=_first(term_field), value=months,
            message=f"{reader.place.words}: {months} months from {starts_on} is beyond the calendar.",
            fix=f"Change {label(_first(term_field))}.",
        )  # fmt: skip
        return None
    if ends_on is None or ends_on == end_by_term:
        return end_by_term
    end_field = _fields(plan, "ends_on")
    reader.report(
        HEADER["term_months"], code="TERM_MISMATCH", path=_first(end_field), value=_last_day(ends_on),
        message=f"{reader.place.words}: {months} months from {starts_on} end on {_last_day(end_by_term)}, "
        f"but {named_field(_first(end_field))} says {_last_day(ends_on)}.",
        fix=f"Change {label(_first(end_field))} or {label(_first(term_field))}, so that both say the same.",
    )  # fmt: skip
    return None


def _last_day(ends_on: date) -> str:
    return (ends_on - timedelta(days=1)).isoformat() if ends_on > date.min else ends_on.isoformat()


def _check_total(reader: RowReader, plan: ObjectPlan, values: Mapping[str, Any]) -> None:
    """A signed total finer than the currency can never equal a sum of charges."""
    total, currency = values["signed_total"], values["currency"]
    if total is None or currency is None or decimal_places(total) <= currency_places(currency):
        return
    path = _first(_fields(plan, "signed_total"))
    reader.report(
        HEADER["signed_total"], code="AMOUNT_TOO_PRECISE", path=path, value=total,
        message=f"{reader.place.words}: {named_field(path)} is {total:f}, but amounts in {currency} "
        f"have {currency_places(currency)} decimal places.",
        fix=f"Change {label(path)} to a whole number of the smallest {currency} unit.",
    )  # fmt: skip


def _check_change(reader: RowReader, plan: ObjectPlan, values: Mapping[str, Any]) -> None:
    """A change without the contract it changes, and a cancellation without its day, cannot be read as an order."""
    deal = values["deal_type"]
    needed = (
        ("amends_ref", deal in _CHANGES, "AMENDED_RECORD_MISSING"),
        ("cancel_from", deal is DealType.CANCELLATION, "CANCEL_DATE_MISSING"),
    )
    for name, is_needed, code in needed:
        if is_needed and values[name] is None and name not in reader.faulty:
            reader.missing(HEADER[name], _fields(plan, name), code=code)


def _person(reader: RowReader, plan: PersonPlan | None) -> dict[str, str]:
    """Name and mail address of a person account, in place of the company's; empty for companies."""
    if plan is None or not reader.value(plan.flag):
        return {}
    parts = (reader.value(plan.first_name), reader.value(plan.last_name))
    found = {"customer.name": " ".join(part for part in parts if part), "customer.email": reader.value(plan.email)}
    return {target: text for target, text in found.items() if text}


def _customer(values: Mapping[str, Any]) -> Customer:
    address = {name: values[f"customer.billing_address.{name}"] or "" for name in Address.__dataclass_fields__}
    return Customer(
        ref=values["customer.ref"] or "",
        name=values["customer.name"] or "",
        email=values["customer.email"] or "",
        tax_id=values["customer.tax_id"] or "",
        billing_address=Address(**address),
    )


def _fields(plan: ObjectPlan, *names: str) -> tuple[str, ...]:
    return tuple(path for name in names if name in plan.header for path in plan.header[name].paths)


def _first(paths: tuple[str, ...]) -> str:
    return paths[0] if paths else "the mapping"

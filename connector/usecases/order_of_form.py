"""The order that a document is by itself, when it has no Salesforce record; and what must be told before it is one.

Exists so that look and page ask for the same values. What a line gives and how it is charged comes from the product
catalogue by code; what neither document nor catalogue says is asked, never guessed.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from connector.domain.form_readings import FoundValue, Question
from connector.domain.form_states import NO_ORG
from connector.domain.salesforce_ids import NotASalesforceId, id18
from connector.domain.terms import ChargeType, Customer, DealType, LineItem, Order, RecordRef
from connector.domain.tie_out import label_of
from connector.errors import Fault, Refused
from connector.store.form_rows import StoredForm
from connector.store.terms import load_order
from connector.store.types import load_exact
from connector.usecases.form_settings import FormSettings

# Without these no order can be made of a document alone.
_NEEDED = ("customer_ref", "customer_name", "currency", "starts_on", "ends_on", "payment_terms_days", "total")
_NEEDED_ON_LINES = ("product_code", "product_name", "quantity", "unit_price")
_PERIODS = ("price_period_months", "billing_period_months")
_UPFRONT = "upfront"

Line = Mapping[str, FoundValue]


class FormIncomplete(Refused):
    """The document does not name everything that an order needs."""

    code = "FORM_INCOMPLETE"
    owner = "finance"
    fix = "Answer the questions on the page of the order form, or name the Salesforce record that it belongs to."

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        super().__init__(faults[0].message, code=faults[0].code, fix=faults[0].fix, owner=faults[0].owner)
        self.faults = faults


def missing_values(*, form: StoredForm, settings: FormSettings) -> tuple[Question, ...]:
    """What somebody must still tell before the document can be an order by itself; empty for one that we made."""
    if form.is_ours and form.read.terms:
        return ()
    return (*_missing_of_header(form, settings), *_missing_of_lines(form, settings))


def order_of(*, form: StoredForm, ref: RecordRef, settings: FormSettings) -> Order:
    """The order that a document is by itself. Raises FormIncomplete with everything that is missing."""
    if form.is_ours and form.read.terms:
        # The very terms that we wrote into it; the pages are ours, and the signature covers both.
        made: Order = load_order(load_exact(form.read.terms))
        signed_at = form.verdict.signed_at if form.verdict else None
        return dataclasses.replace(made, source=ref, signed_on=signed_at.date() if signed_at else made.signed_on)
    if missing := missing_values(form=form, settings=settings):
        raise FormIncomplete(tuple(_fault(form, one) for one in missing))
    reading = form.reading
    starts_on, ends_on = (date.fromisoformat(reading.text(name)) for name in ("starts_on", "ends_on"))
    items = tuple(
        _item(line, number, ref, (starts_on, ends_on), settings) for number, line in enumerate(reading.lines, start=1)
    )
    return Order(
        source=ref,
        name=f"Order form {form.number}",
        deal_type=DealType.NEW,
        customer=Customer(reading.text("customer_ref"), reading.text("customer_name")),
        currency=reading.text("currency"),
        starts_on=starts_on,
        ends_on=ends_on,
        payment_terms_days=int(reading.text("payment_terms_days")),
        legal_entity=_seller(reading.text("seller"), settings.sellers),
        line_items=items,
        po_number=reading.text("po_number"),
        signed_total=Decimal(reading.text("total")),
    )


def _missing_of_header(form: StoredForm, settings: FormSettings) -> Iterator[Question]:
    reading = form.reading
    for name in _NEEDED:
        if not reading.text(name):
            yield Question(name, "The document does not name it.")
    account = reading.text("customer_ref")
    if account and settings.stand_alone_org != NO_ORG and not _is_id(account):
        yield Question("customer_ref", f"{account} is no id of a Salesforce account.", account)
    if not _seller(reading.text("seller"), settings.sellers):
        named = reading.text("seller")
        reason = f"{named} is none of our companies." if named else "The document does not name which of our companies."
        yield Question("seller", reason, named)
    if not reading.lines:
        yield Question("lines", "The document has no lines that could be read.")


def _missing_of_lines(form: StoredForm, settings: FormSettings) -> Iterator[Question]:
    for number, line in enumerate(form.reading.lines, start=1):
        place = f"lines.{number}."
        for name in _NEEDED_ON_LINES:
            if name not in line:
                yield Question(place + name, "The document does not name it.")
        known = _known(line, settings)
        code = line["product_code"].value if "product_code" in line else ""
        if code and "provision" not in known:
            reason = f"{code} is not in [mapping.products], or without kind and ref there: nobody knows what it gives."
            yield Question(f"{place}product_code", f"{reason} Name a product of the catalogue, or add it there.", code)
        charge = _charge_type(line, known)
        if charge is None:
            yield Question(f"{place}charge_type", "Neither document nor [mapping.products] says how it is charged.")
        elif charge is ChargeType.RECURRING:
            for name in _PERIODS:
                if name not in line and name not in known:
                    yield Question(place + name, "Neither document nor [mapping.products] says it.")


def _known(line: Line, settings: FormSettings) -> Mapping[str, Any]:
    """What the catalogue says of the line's product."""
    return settings.catalogue.get(line["product_code"].value, {}) if "product_code" in line else {}


def _charge_type(line: Line, known: Mapping[str, Any]) -> ChargeType | None:
    """How the line is charged: what a person or the document says comes before the catalogue."""
    if "charge_type" in line:
        return ChargeType(line["charge_type"].value)
    found: ChargeType | None = known.get("charge_type")
    return found


def _item(
    line: Line, number: int, ref: RecordRef, term: tuple[date, date], settings: FormSettings
) -> LineItem:  # fmt: skip
    values = dict(_known(line, settings))
    values["charge_type"] = _charge_type(line, values)
    for name in _PERIODS:
        if name in line:
            values[name] = None if line[name].value == _UPFRONT else int(line[name].value)
    return LineItem(
        ref=f"{ref.record_id}:{number}",
        position=number,
        product_code=line["product_code"].value,
        product_name=line["product_name"].value,
        starts_on=date.fromisoformat(line["starts_on"].value) if "starts_on" in line else term[0],
        ends_on=date.fromisoformat(line["ends_on"].value) if "ends_on" in line else term[1],
        quantity=Decimal(line["quantity"].value),
        unit_price=Decimal(line["unit_price"].value),
        **values,
    )


def _seller(name: str, sellers: Mapping[str, str]) -> str:
    """The code of our company that the document names; the only one when there is but one. Empty: nobody can tell."""
    if not name and len(sellers) == 1:
        return next(iter(sellers))
    return next((code for code, known in sellers.items() if name.casefold() in (known.casefold(), code.casefold())), "")


def _is_id(text: str) -> bool:
    try:
        id18(text)
    except NotASalesforceId:
        return False
    return True


def _fault(form: StoredForm, missing: Question) -> Fault:
    message = f"Order form {form.number}, {label_of(missing.name)}: {missing.reason}"
    return Fault(
        "FORM_INCOMPLETE", message, FormIncomplete.fix, FormIncomplete.owner, form.number, missing.name, missing.written
    )  # fmt: skip

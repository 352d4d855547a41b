"""The signed document against the order as Salesforce has it: every difference, each in words that name both sides.

Exists because "signed" is a document and not a stage in a CRM: when the two disagree, the order stops until a person
decides. Pure; values that the document does not name are no differences, but those that an order form must name are.
It must not decide which side is right.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal

from connector.domain.form_readings import FormReading, FoundValue, Place
from connector.domain.terms import LineItem, Order

# What a document must name when nothing else is asked for.
DEFAULT_NEEDED = ("customer_name", "currency", "total")
_BLANKS = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Person:
    """Who signs for the customer, as Salesforce knows them."""

    name: str = ""
    email: str = ""


@dataclass(frozen=True, slots=True)
class OrderFacts:
    """The order with what its terms alone do not hold.

    `amounts` gives each line's committed value for the whole term by its ref, `value` that of the order, both in the
    order's currency. `seller` is the legal entity's name on paper, empty when it has none. `signers` are those whom the
    signatures or the provider name.
    """

    order: Order
    amounts: Mapping[str, Decimal]
    value: Decimal
    seller: str = ""
    contact: Person = field(default_factory=Person)
    signers: tuple[Person, ...] = ()


@dataclass(frozen=True, slots=True)
class FormDifference:
    """One thing on which the two disagree: what each says (empty: nothing), where the document says it."""

    name: str
    label: str
    paper: str
    salesforce: str
    message: str
    place: Place | None = None


def tie_out_form(
    *, reading: FormReading, facts: OrderFacts, needed: Sequence[str] = DEFAULT_NEEDED
) -> tuple[FormDifference, ...]:
    """Every difference between a document and an order; empty when they agree."""
    found = [*_missing(reading, needed), *_parties(reading, facts), *_dates(reading, facts), *_rest(reading, facts)]
    found += _lines(reading, facts)
    found += _totals(reading, facts)
    return (*found, *_signer(reading, facts))


def paper_faults(reading: FormReading) -> tuple[FormDifference, ...]:
    """What is wrong with the document by itself: amounts of lines that do not add up to its total."""
    total = reading.values.get("total")
    amounts = [line["amount"] for line in reading.lines if "amount" in line]
    if total is None or not amounts or len(amounts) < len(reading.lines):
        return ()
    added = sum((Decimal(amount.value) for amount in amounts), Decimal(0))
    if added == Decimal(total.value):
        return ()
    message = f"The document's lines add up to {added}, but its total says {total.value}."
    return (FormDifference("total", "Sum of the lines", total.value, str(added), message, total.place),)


def _missing(reading: FormReading, needed: Sequence[str]) -> list[FormDifference]:
    return [
        FormDifference(name, _LABELS[name], "", "", f"The document does not name: {_LABELS[name].lower()}.")
        for name in needed
        if name not in reading.values
    ]


def _parties(reading: FormReading, facts: OrderFacts) -> list[FormDifference]:
    order = facts.order
    found = _texts(reading, "customer_name", order.customer.name)
    found += _texts(reading, "seller", facts.seller)
    if reading.text("customer_ref") and reading.text("customer_ref") != order.customer.ref:
        found.append(_differs(reading, "customer_ref", order.customer.ref))
    return found


def _dates(reading: FormReading, facts: OrderFacts) -> list[FormDifference]:
    return [
        _differs(reading, name, _day(day, is_end=name == "ends_on"), paper=_paper_day(reading.values[name], name))
        for name, day in (("starts_on", facts.order.starts_on), ("ends_on", facts.order.ends_on))
        if name in reading.values and reading.text(name) != day.isoformat()
    ]


def _rest(reading: FormReading, facts: OrderFacts) -> list[FormDifference]:
    order = facts.order
    found = []
    if reading.text("currency") and reading.text("currency") != order.currency:
        found.append(_differs(reading, "currency", order.currency))
    terms = reading.text("payment_terms_days")
    if terms and int(terms) != order.payment_terms_days:
        found.append(_differs(reading, "payment_terms_days", str(order.payment_terms_days)))
    # A customer's purchase order is on both sides or on neither.
    if (reading.text("po_number") or order.po_number) and reading.text("po_number") != order.po_number:
        found.append(_differs(reading, "po_number", order.po_number))
    return found


def _lines(reading: FormReading, facts: OrderFacts) -> list[FormDifference]:
    if not reading.lines:
        return []
    pairs, extra, missing = _matched(reading.lines, facts.order.line_items)
    found = [
        difference for number, line, item in pairs for difference in _line(number, line, item, facts)
    ]  # fmt: skip
    for number, line in extra:
        name = _line_name(line)
        message = f"Line {number} of the document, {name}, is not in Salesforce."
        found.append(FormDifference(f"lines.{number}", f"Line {number}", name, "", message, _place_of(line)))
    for item in missing:
        message = f"Salesforce has {item.product_name} ({item.product_code}), which the document does not name."
        found.append(FormDifference(f"items.{item.position}", "Line", "", item.product_name, message))
    return found


Line = Mapping[str, FoundValue]


def _matched(
    lines: Sequence[Line], items: Sequence[LineItem]
) -> tuple[list[tuple[int, Line, LineItem]], list[tuple[int, Line]], list[LineItem]]:
    """Lines of the document with the items they mean: by product, then by dates, then by their order."""
    left = list(items)
    pairs, extra = [], []
    for number, line in enumerate(lines, start=1):
        fitting = [item for item in left if _is_product(line, item)]
        same_days = [item for item in fitting if _is_same_day(line, item)]
        same_price = [item for item in same_days or fitting if _is_same_price(line, item)]
        chosen = next(iter(same_price or same_days or fitting), None)
        if chosen is None:
            extra.append((number, line))
            continue
        left.remove(chosen)
        pairs.append((number, line, chosen))
    return pairs, extra, left


def _is_product(line: Line, item: LineItem) -> bool:
    code, name = line.get("product_code"), line.get("product_name")
    if code is not None and code.value:
        return _plain(code.value) == _plain(item.product_code)
    return name is not None and _plain(name.value) in (_plain(item.product_name), _plain(item.product_code))


def _is_same_day(line: Line, item: LineItem) -> bool:
    return "starts_on" in line and line["starts_on"].value == item.starts_on.isoformat()


def _is_same_price(line: Line, item: LineItem) -> bool:
    pairs = ((line.get("quantity"), item.quantity), (line.get("unit_price"), item.unit_price))
    return all(found is None or Decimal(found.value) == value for found, value in pairs)


def _line(number: int, line: Line, item: LineItem, facts: OrderFacts) -> list[FormDifference]:
    wanted = {"quantity": item.quantity, "unit_price": item.unit_price, "amount": facts.amounts.get(item.ref)}
    found = []
    for name, value in wanted.items():
        paper = line.get(name)
        if paper is not None and value is not None and Decimal(paper.value) != value:
            found.append(_line_differs(number, name, item, paper, paper.value, _number(value)))
    for name, day in (("starts_on", item.starts_on), ("ends_on", item.ends_on)):
        paper = line.get(name)
        if paper is not None and paper.value != day.isoformat():
            told = _day(day, is_end=name == "ends_on")
            found.append(_line_differs(number, name, item, paper, _paper_day(paper, name), told))
    return found


def _line_differs(
    number: int, name: str, item: LineItem, paper: FoundValue, told: str, salesforce: str
) -> FormDifference:
    label = f"Line {number}, {_LABELS[name].lower()}"
    message = f"{item.product_name}: the document says {_LABELS[name].lower()} {told}, Salesforce {salesforce}."
    return FormDifference(f"lines.{number}.{name}", label, told, salesforce, message, paper.place)


def _totals(reading: FormReading, facts: OrderFacts) -> list[FormDifference]:
    total = reading.values.get("total")
    if total is None or Decimal(total.value) == facts.value:
        return []
    return [_differs(reading, "total", _number(facts.value))]


def _signer(reading: FormReading, facts: OrderFacts) -> tuple[FormDifference, ...]:
    """The person who signed is the contact of the deal; silent when Salesforce names none or nobody is named."""
    contact = facts.contact
    named = [Person(reading.text("signer_name"), reading.text("signer_email")), *facts.signers]
    emails = {_plain(one.email) for one in named if one.email}
    names = {_plain(one.name) for one in named if one.name}
    if contact.email and emails:
        fits = _plain(contact.email) in emails
    else:
        fits = not (contact.name and names) or _plain(contact.name) in names
    if fits:
        return ()
    told = ", ".join(sorted({one.email or one.name for one in named if one.email or one.name}))
    wanted = contact.email or contact.name
    message = f"The document is signed by {told}, but the contact in Salesforce is {wanted}."
    found = reading.values.get("signer_email") or reading.values.get("signer_name")
    return (FormDifference("signer", "Signer", told, wanted, message, found.place if found else None),)


def _texts(reading: FormReading, name: str, wanted: str) -> list[FormDifference]:
    if not reading.text(name) or not wanted or _plain(reading.text(name)) == _plain(wanted):
        return []
    return [_differs(reading, name, wanted)]


def _differs(reading: FormReading, name: str, salesforce: str, *, paper: str = "") -> FormDifference:
    found = reading.values.get(name)
    told = paper or (found.value if found else "")
    says = f"says {told}" if told else "says nothing"
    other = f"Salesforce {salesforce}" if salesforce else "Salesforce nothing"
    message = f"{_LABELS[name]}: the document {says}, {other}."
    return FormDifference(name, _LABELS[name], told, salesforce, message, found.place if found else None)


def _day(day: date, *, is_end: bool) -> str:
    """A day as people write it: the end is the last day with service."""
    return (day - timedelta(days=1) if is_end else day).isoformat()


def _paper_day(found: FoundValue, name: str) -> str:
    return _day(date.fromisoformat(found.value), is_end=name == "ends_on")


def _number(value: Decimal) -> str:
    return format(value, "f")


def _plain(text: str) -> str:
    """The text without what does not matter between two ways of writing a name: capitals, blanks, width of signs."""
    return _BLANKS.sub(" ", unicodedata.normalize("NFKC", text)).strip().rstrip(".").casefold()


def _line_name(line: Line) -> str:
    return next((line[name].value for name in ("product_name", "product_code", "description") if name in line), "?")


def _place_of(line: Line) -> Place | None:
    return next((found.place for found in line.values() if found.place), None)


_LABELS = {
    "salesforce_id": "Salesforce id",
    "customer_name": "Customer",
    "customer_ref": "Customer's account id",
    "seller": "Seller",
    "currency": "Currency",
    "starts_on": "Start",
    "ends_on": "Last day",
    "payment_terms_days": "Payment terms in days",
    "po_number": "Purchase order number",
    "total": "Total",
    "signer_name": "Signer",
    "signer_email": "Signer's address",
    "signed_on": "Day of signature",
    "product_code": "Product code",
    "product_name": "Product",
    "quantity": "Quantity",
    "unit_price": "Unit price",
    "amount": "Amount",
    "description": "Description",
    "charge_type": "How it is charged",
    "price_period_months": "Months that the unit price is for",
    "billing_period_months": "Months that each invoice is for",
    "lines": "Lines",
}


def label_of(name: str) -> str:
    """The name of a value for people: `lines.2.quantity` is "Line 2, quantity"."""
    head, _, rest = name.partition(".")
    if head != "lines":
        return _LABELS.get(name, name)
    number, _, column = rest.partition(".")
    return f"Line {number}, {_LABELS.get(column, column).lower()}"


@dataclass(frozen=True, slots=True)
class ComparedRow:
    """One row of the side-by-side view: what each side says, and where the document says it."""

    name: str
    label: str
    paper: str
    salesforce: str
    is_different: bool
    place: Place | None = None


def comparison(
    *, reading: FormReading, facts: OrderFacts, differences: Sequence[FormDifference]
) -> tuple[ComparedRow, ...]:
    """Both sides beside each other: header, then each line of the document with its partner, then what has none."""
    order, different = facts.order, {one.name: one for one in differences}
    sides = {
        "customer_name": order.customer.name,
        "seller": facts.seller,
        "currency": order.currency,
        "starts_on": _day(order.starts_on, is_end=False),
        "ends_on": _day(order.ends_on, is_end=True),
        "payment_terms_days": str(order.payment_terms_days),
        "po_number": order.po_number,
        "total": _number(facts.value),
    }
    rows = [_header_row(reading, name, value, name in different) for name, value in sides.items()]
    pairs, _, _ = _matched(reading.lines, order.line_items)
    for number, line, item in pairs:
        rows += _line_rows(number, line, item, facts, different)
    shown = {row.name for row in rows}
    rows += [
        ComparedRow(one.name, one.label, one.paper, one.salesforce, True, one.place)
        for one in differences
        if one.name not in shown
    ]
    return tuple(row for row in rows if row.paper or row.salesforce or row.is_different)


def _header_row(reading: FormReading, name: str, salesforce: str, is_different: bool) -> ComparedRow:
    found = reading.values.get(name)
    paper = "" if found is None else found.value
    if found is not None and name in ("starts_on", "ends_on"):
        paper = _paper_day(found, name)
    return ComparedRow(name, _LABELS[name], paper, salesforce, is_different, found.place if found else None)


def _line_rows(
    number: int, line: Line, item: LineItem, facts: OrderFacts, different: Mapping[str, FormDifference]
) -> list[ComparedRow]:
    amount = facts.amounts.get(item.ref)
    sides = {
        "product_name": item.product_name,
        "product_code": item.product_code,
        "quantity": _number(item.quantity),
        "unit_price": _number(item.unit_price),
        "amount": "" if amount is None else _number(amount),
    }
    rows = []
    for column, value in sides.items():
        found = line.get(column)
        if found is not None:
            name = f"lines.{number}.{column}"
            rows.append(ComparedRow(name, label_of(name), found.value, value, name in different, found.place))
    return rows

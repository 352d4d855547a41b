"""The line items of an order read from a record's lines, with what each product gives the customer.

A value of a line comes from, in this order: the line's own field, the product table of the settings, the product's own
field, a default, and for dates and billing from the header. It judges no prices.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from connector.domain.terms import BillingTiming, ChargeType, DealType, LineItem, Provision, ProvisionKind
from connector.errors import Fault
from mappings.faults import REVOPS, label, named_field
from mappings.header import Header
from mappings.line_totals import with_total
from mappings.plans import ObjectPlan, Reading
from mappings.reading import Place, RowReader
from mappings.targets import HEADER, LINE, LINE_ID
from mappings.text import quoted
from mappings.transforms import TRANSFORMS, Special

_LINE_ID = Reading(LINE_ID, ("Id",), transform=TRANSFORMS["id18"], is_required=True)


@dataclass(frozen=True, slots=True)
class Row:
    """One line as read: its typed values (None where empty or faulty), and the reader that knows place and faults."""

    reader: RowReader
    values: Mapping[str, Any]

    @property
    def needs_frequency(self) -> bool:
        """Whether the line is billed again and again and does not say how often."""
        is_once = self.values["charge_type"] is ChargeType.ONE_TIME
        return (
            self.values["billing_period_months"] is None and not is_once and not self.has_fault("billing_period_months")
        )

    @property
    def is_repeated(self) -> bool:
        """Whether an amendment only repeats what runs already: the quantity as it was, at no price of its own."""
        is_same = self.values["prior_quantity"] is not None and self.values["prior_quantity"] == self.values["quantity"]
        return is_same and self.values["line_total"] == 0

    def has_fault(self, *targets: str) -> bool:
        """Whether any of these values could not be read."""
        return bool(self.reader.faulty.intersection(targets))


def read_lines(
    *, lines: Sequence[Mapping[str, Any]], header: Header, header_reader: RowReader, plan: ObjectPlan
) -> tuple[Row, ...]:
    """Every line's values, in the order of their line numbers; what is wrong is added to the header reader's faults."""
    faults = header_reader.faults
    numbers = _line_numbers(lines, plan)
    rows = [
        _read_row(line, number, plan, faults)
        for number, line in sorted(zip(numbers, lines, strict=True), key=lambda pair: pair[0])
        if _is_bought(line, number, plan, faults)
    ]
    if header["deal_type"] is DealType.AMENDMENT:
        rows = [row for row in rows if not row.is_repeated]
    for row in rows:
        _check_currency(row, header, header_reader.place.words)
    _check_frequency(rows, header, header_reader, plan)
    return tuple(rows)


def line_item(row: Row, *, header: Header) -> LineItem:
    """The row as a line item. Only for rows and headers without faults."""
    values = row.values
    period, timing = billing_of(row, header=header)
    starts_on, ends_on = _dates(row, header)
    item = LineItem(
        ref=values["ref"],
        position=values["position"],
        product_code=values["product_code"],
        product_name=values["product_name"],
        starts_on=starts_on,
        ends_on=ends_on,
        quantity=values["quantity"],
        unit_price=values["unit_price"],
        charge_type=values["charge_type"],
        price_model=values["price_model"],
        price_period_months=values["price_period_months"],
        billing_period_months=period,
        billing_timing=timing,
        description=values["description"] or "",
        prior_quantity=values["prior_quantity"],
        discount_percent=values["discount_percent"],
        discount_amount=values["discount_amount"],
        tiers=values["tiers"],
        package_size=values["package_size"],
        included_units=values["included_units"],
        minimum_amount=values["minimum_amount"],
        free_months=values["free_months"],
        is_separate_invoice=values["is_separate_invoice"],
        ramp_key=values["ramp_key"] or "",
        ramp_step=values["ramp_step"],
        provision=provision_of(values),
        legal_entity=values["legal_entity"] or "",
        payer_ref=values["payer_ref"] or "",
        payment_terms_days=values["payment_terms_days"],
        tax_code=values["tax_code"] or "",
        discount_periods=values["discount_periods"],
        alignment_day=values["alignment_day"],
        percent_of_ref=values["percent_of_ref"] or "",
        prepaid_amount=values["prepaid_amount"],
        minimum_period_months=values["minimum_period_months"],
    )
    return item if values["line_total"] is None else with_total(item, total=values["line_total"])


def months_or_upfront(value: int | Special | None) -> int | None:
    """A billing period as the domain has it: None for the whole term at once. Empty becomes a year."""
    return 12 if value is None else None if isinstance(value, Special) else value


def billing_of(row: Row, *, header: Header) -> tuple[int | None, BillingTiming]:
    """Billing period and timing: the line's, else the header's; usage is in arrears unless its line says otherwise."""
    period = row.values["billing_period_months"]
    timing = row.values["billing_timing"]
    if timing is None:
        is_usage = row.values["charge_type"] is ChargeType.USAGE
        timing = BillingTiming.IN_ARREARS if is_usage else header["billing_timing"]
    return months_or_upfront(header["billing_period_months"] if period is None else period), timing


def _line_numbers(lines: Sequence[Mapping[str, Any]], plan: ObjectPlan) -> list[int]:
    """The lines' own numbers when each has another one from 1; otherwise they are counted as they came."""
    silent: list[Fault] = []
    place = Place("", "")
    own = [RowReader(line, place, silent).value(plan.line.get("position")) for line in lines]
    if all(number is not None and number >= 1 for number in own) and len(set(own)) == len(own):
        return own
    return list(range(1, len(lines) + 1))


def _is_bought(line: Mapping[str, Any], number: int, plan: ObjectPlan, faults: list[Fault]) -> bool:
    """Whether none of the marks says that the line is only an offer."""
    reader = RowReader(line, _place(line, number, plan), faults)
    return not any(reader.value(reading) for reading in plan.skip_lines)


def _read_row(line: Mapping[str, Any], number: int, plan: ObjectPlan, faults: list[Fault]) -> Row:
    reader = RowReader(line, _place(line, number, plan), faults)
    values: dict[str, Any] = {"ref": reader.value_or_default(_LINE_ID)}
    values["product_code"] = reader.value_or_default(plan.line["product_code"])
    product = plan.products.get(values["product_code"] or "", {})
    for name in LINE:
        if name not in ("product_code", "unit_price", "unit_price_exact"):
            values[name] = _value(reader, name, plan, product)
    values["position"] = number
    has_total = values["line_total"] is not None and values["charge_type"] is not ChargeType.USAGE
    values["unit_price"] = values["line_total"] if has_total else _price(reader, plan)
    _check_product(reader, values, plan)
    return Row(reader, values)


def _value(reader: RowReader, name: str, plan: ObjectPlan, product: Mapping[str, Any]) -> Any:
    """One value by the order of precedence."""
    own, catalogued = plan.line.get(name), plan.catalogue.get(name)
    # Asked one after the other: a product's field that is not needed need not be readable.
    found = reader.value(own)
    if found is None and name not in reader.faulty:
        found = product.get(name)
    if found is None and name not in reader.faulty:
        found = reader.value(catalogued)
    if found is not None or name in reader.faulty:
        return found
    default = own.default if own else None
    if default is None and own and own.is_required:
        reader.missing(LINE[name], own.paths)
    return LINE[name].default if default is None else default


def _place(line: Mapping[str, Any], number: int, plan: ObjectPlan) -> Place:
    """Line number and product as a person finds them on the page."""
    silent: list[Fault] = []
    reader = RowReader(line, Place("", ""), silent)
    product = reader.value(plan.line.get("product_code")) or reader.value(plan.line.get("product_name"))
    words = f"Line {number} ({product})" if product else f"Line {number}"
    return Place(words, reader.value(_LINE_ID) or "", str(number))


def _price(reader: RowReader, plan: ObjectPlan) -> Decimal | None:
    """The exact unit price when it is filled, else the ordinary one; no price at all is a fault, never 0."""
    exact, ordinary = plan.line.get("unit_price_exact"), plan.line.get("unit_price")
    found = [reader.value_or_default(reading) for reading in (exact, ordinary) if reading]
    price: Decimal | None = next((value for value in found if value is not None), None)
    if price is None and not reader.faulty.intersection(("unit_price", "unit_price_exact")):
        reader.missing(LINE["unit_price"], tuple(p for r in (ordinary, exact) if r for p in r.paths))
    return price


def _check_product(reader: RowReader, values: Mapping[str, Any], plan: ObjectPlan) -> None:
    """A product that does not say what it is blocks the order: it could be a plan that nobody would grant."""
    kind, code = values["provision_type"], values["product_code"]
    if reader.faulty.intersection(("product_code", "provision_type", "provision_ref")):
        return
    if kind is None:
        _report_unknown(reader, values, _paths_of(plan, "provision_type"))
    elif kind is not ProvisionKind.NOTHING and values["provision_ref"] is None:
        path = (*_paths_of(plan, "provision_ref"), "")[0]
        reader.report(
            LINE["provision_ref"], code="MISSING_PRODUCT_ID", path=path,
            message=f"{reader.place.words}: the product {quoted(code)} is set up as {kind.value.replace('_', ' ')}, "
            f"but {named_field(path) if path else 'its id on the entitlement platform'} is empty.",
            fix=f"Fill in {label(path) if path else 'the id'} of the product {code}, or add ref to [mapping.products].",
        )  # fmt: skip


def _report_unknown(reader: RowReader, values: Mapping[str, Any], paths: tuple[str, ...]) -> None:
    code = values["product_code"]
    found = f"{named_field(paths[0])} is empty and " if paths else ""
    fill = f"Fill in {label(paths[0])} of the product (None if it gives nothing), or add" if paths else "Add"
    reader.report(
        LINE["provision_type"], code="UNKNOWN_PRODUCT", path=(*paths, "")[0], value=code, owner=REVOPS,
        message=f"{reader.place.words}: the product {quoted(code)} is unknown: "
        f"{found}it is not in the product table of the mapping.",
        fix=f"{fill} [mapping.products] for {code}.",
    )  # fmt: skip


def _paths_of(plan: ObjectPlan, target: str) -> tuple[str, ...]:
    readings = (plan.line.get(target), plan.catalogue.get(target))
    return tuple(path for reading in readings if reading for path in reading.paths)


def _check_currency(row: Row, header: Header, header_words: str) -> None:
    own, of_header = row.values["currency"], header["currency"]
    if own is None or of_header is None or own == of_header:
        return
    row.reader.report(
        LINE["currency"], code="TWO_CURRENCIES", path="CurrencyIsoCode", value=own,
        message=f"{row.reader.place.words} is in {own}, but {_inside(header_words)} is in {of_header}.",
        fix="Put lines in another currency on a record of their own.",
    )  # fmt: skip


def _check_frequency(rows: Sequence[Row], header: Header, reader: RowReader, plan: ObjectPlan) -> None:
    """The header's billing frequency is needed as soon as one line leans on it; told once, not for every line."""
    target = HEADER["billing_period_months"]
    leaning = [row.reader.place.words for row in rows if row.needs_frequency]
    if not leaning or header["billing_period_months"] is not None or target.name in reader.faulty:
        return
    reading = plan.header.get(target.name)
    paths = reading.paths if reading else ()
    reader.report(
        target, code="MISSING_BILLING_FREQUENCY", path=(*paths, "")[0], owner="" if paths else REVOPS,
        message=f"{reader.place.words} has no billing frequency, and neither has {_few(leaning)}.",
        fix=f"Fill in {label(paths[0])}." if paths else f"Add a rule for {target.name} to the mapping.",
    )  # fmt: skip


def _few(places: Sequence[str]) -> str:
    names = [_inside(place) for place in places[:3]]
    more = len(places) - len(names)
    return ", ".join(names) + (f" and {more} more" if more else "")


def _inside(words: str) -> str:
    """The words of a place within a sentence."""
    return words[0].lower() + words[1:]


def _dates(row: Row, header: Header) -> tuple[date, date]:
    starts_on, ends_on = row.values["starts_on"] or header.starts_on, row.values["ends_on"] or header.ends_on
    assert starts_on is not None, "a header without faults has its dates"
    assert ends_on is not None, "a header without faults has its dates"
    return starts_on, ends_on


def provision_of(values: Mapping[str, Any]) -> Provision:
    """What the line gives; no value of its own means that the quantity counts."""
    if values["provision_type"] is ProvisionKind.NOTHING:
        return Provision()
    value = values["provision_value"]
    is_unlimited = isinstance(value, Special)
    return Provision(
        kind=values["provision_type"],
        ref=values["provision_ref"],
        value=None if is_unlimited else value,
        is_unlimited=is_unlimited,
        cadence=values["credit_cadence"],
        wants_rollover=bool(values["credit_rollover"]),
    )

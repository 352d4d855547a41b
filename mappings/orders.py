"""A signed Salesforce record as an order, or one error with everything that is wrong with it.

Pure: the same record and plan give the same order on every machine and every day. It must not call anything, and not
decide whether the record is signed.
"""

from __future__ import annotations

from connector.domain.terms import DealType, Order
from connector.errors import Fault
from connector.ports import Record
from mappings.faults import MappingRefused, RecordNotReady, label, named_field
from mappings.header import Header, read_header
from mappings.line_items import Row, line_item, months_or_upfront, read_lines
from mappings.plans import ObjectPlan
from mappings.reading import Place, RowReader
from mappings.targets import HEADER


def map_order(record: Record, *, plan: ObjectPlan) -> Order:
    """The order that a record is.

    Raises MappingRefused with all faults when it cannot be read as one, RecordNotReady while Salesforce works on it.
    """
    faults: list[Fault] = []
    place = Place(f"The {label(plan.object).lower()}", record.ref.record_id)
    reader = RowReader(record.fields, place, faults)
    _refuse_unfinished(reader, plan)
    header = read_header(reader=reader, plan=plan)
    rows = read_lines(lines=record.lines, header=header, header_reader=reader, plan=plan)
    _check_lines(reader, header, rows, plan, has_lines=bool(record.lines))
    if faults:
        raise MappingRefused(faults)
    return _order(record, header, rows)


def _refuse_unfinished(reader: RowReader, plan: ObjectPlan) -> None:
    """A record that is still being calculated has old totals: nothing of it is read."""
    for reading in plan.wait_while:
        if reader.value(reading):
            raise RecordNotReady(f"{reader.place.words} is not finished: {named_field(reading.paths[0])} is true.")


def _check_lines(
    reader: RowReader, header: Header, rows: tuple[Row, ...], plan: ObjectPlan, *, has_lines: bool
) -> None:
    """Only a cancellation has nothing to sell."""
    if rows or header["deal_type"] is DealType.CANCELLATION or "deal_type" in reader.faulty:
        return
    which = "no lines that are bought or change anything" if has_lines else "no lines"
    reader.report(
        HEADER["name"], code="NO_LINES", message=f"{reader.place.words} has {which}.",
        fix="Add the products that were sold, or check that the integration user may read "
        f"{plan.line_object or 'the lines'}.", owner="sales rep",
    )  # fmt: skip


def _order(record: Record, header: Header, rows: tuple[Row, ...]) -> Order:
    assert header.starts_on is not None, "a header without faults has its dates"
    assert header.ends_on is not None, "a header without faults has its dates"
    return Order(
        source=record.ref,
        name=header["name"],
        deal_type=header["deal_type"],
        customer=header.customer,
        currency=header["currency"],
        starts_on=header.starts_on,
        ends_on=header.ends_on,
        payment_terms_days=header["payment_terms_days"],
        legal_entity=header["legal_entity"],
        line_items=tuple(line_item(row, header=header) for row in rows),
        billing_period_months=months_or_upfront(header["billing_period_months"]),
        billing_timing=header["billing_timing"],
        po_number=header["po_number"] or "",
        signed_on=header["signed_on"],
        signed_total=header["signed_total"],
        amends_ref=header["amends_ref"] or "",
        cancel_from=header["cancel_from"],
        is_unused_credited=header["is_unused_credited"],
        term_months=header["term_months"],
        is_co_termed=header.is_co_termed,
    )

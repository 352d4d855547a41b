"""The order forms of a record, asked at each look: do they let the order go on, and do they make the record signed?

Exists so that the look knows one part with two questions. Any document that is open stops the order, visibly; what was
rejected or is no order form does not count. Nothing outside is called but the record that reported a signature.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from connector.domain.contracts import build_contract
from connector.domain.form_states import FormState, findings_hash
from connector.domain.terms import Customer, DealType, LineItem, Order, RecordRef
from connector.domain.tie_out import OrderFacts, Person, label_of
from connector.errors import Fault, Refused
from connector.ports import Clock, Org, Record, RecordMapping, RecordSelection
from connector.store import contract_orders, order_forms
from connector.store.form_rows import StoredForm
from connector.store.orders import StoredOrder
from connector.store.terms import load_order
from connector.store.types import load_exact
from connector.store.unit_of_work import Database
from connector.usecases.form_settings import FORM_OBJECT, FormSettings
from connector.usecases.fulfilment_steps import TermsRefused, line_values
from connector.usecases.judge_form import judge_with_order, verdict_of
from connector.usecases.read_order import OrderRead

_NOT_COUNTED = (FormState.REFUSED, FormState.REJECTED)
_NOT_READ = (FormState.RECEIVED, FormState.RETRYING)
# Without these no order can be made of a document alone.
_NEEDED = ("customer_ref", "customer_name", "currency", "starts_on", "ends_on", "payment_terms_days", "total")
_NEEDED_ON_LINES = ("product_code", "product_name", "quantity", "unit_price")


@dataclass(frozen=True, slots=True)
class FormGate:
    """Asks the order forms of a record; made once per process."""

    database: Database
    clock: Clock
    settings: FormSettings

    def tie_out(self, *, record: Record, read: OrderRead) -> None:
        """Compare each order form of the record with its order. Raises TermsRefused with all that must be decided."""
        faults = self.findings(record=record, read=read)
        if faults:
            raise TermsRefused(faults, terms=read.terms)

    def findings(self, *, record: Record, read: OrderRead, is_settled: bool = False) -> tuple[Fault, ...]:
        """What a person must decide about the order forms of the record; `is_settled`: none is missed any more."""
        now, faults, is_signed = self.clock.now(), list[Fault](), False
        with self.database.unit_of_work() as work:
            forms = self._counted(order_forms.load_for_record(connection=work.connection, ref=record.ref))
            for form in forms:
                if form.state in _NOT_READ:
                    faults.append(_not_read(form))
                    continue
                locked = order_forms.lock(work=work, form_id=form.id)
                facts = self._facts(record, read)
                faults += judge_with_order(work=work, form=locked, facts=facts, settings=self.settings, now=now)
                is_signed = is_signed or verdict_of(work=work, form=locked, settings=self.settings).is_signed
            work.commit()
        if self.settings.rules.is_required and not is_settled and not is_signed and not faults:
            faults.append(_missing(record.ref))
        return tuple(faults)

    def late_question(self, *, record: Record, order: StoredOrder) -> tuple[str, str, str]:
        """(code, question, fingerprint) when a document of a fulfilled order disagrees with it, else empty texts.

        What was fulfilled stands; a document that came late can only ask.
        """
        assert order.contract_id is not None
        assert order.terms is not None
        with self.database.reading() as connection:
            if not self._counted(order_forms.load_for_record(connection=connection, ref=record.ref)):
                return "", "", ""
            signed = contract_orders.load_orders(connection=connection, contract_id=order.contract_id)
        contract = build_contract(orders=signed.terms, undone=signed.undone)
        read = OrderRead(order.terms, order.value or Decimal(0), (), {}, contract)
        faults = self.findings(record=record, read=read, is_settled=True)
        if not faults:
            return "", "", ""
        more = f" ({len(faults) - 1} more)" if len(faults) > 1 else ""
        return faults[0].code, f"{faults[0].sentence()}{more} The order stands as fulfilled.", findings_hash(faults)

    def signed_by(self, *, org: Org, record: Record) -> str:
        """Why the record counts as signed although its own status does not say so; empty when it does not."""
        return self._by_pointer(org, record.ref) or self._by_form(record.ref)

    def mapping_of(self, ref: RecordRef) -> tuple[Record, RecordMapping] | None:
        """An order form that stands alone, as a record with its mapping; None when there is none."""
        with self.database.reading() as connection:
            forms = self._counted(order_forms.load_for_record(connection=connection, ref=ref))
        if not forms or not self.settings.rules.may_stand_alone:
            return None
        form = forms[-1]
        record = Record(ref, {"Name": form.reading.text("customer_name")}, (), self.clock.now())
        selection = RecordSelection(FORM_OBJECT, ("Id",))
        return record, RecordMapping(
            FORM_OBJECT, selection, lambda _record: order_of(form, ref, self.settings.sellers), "order-form"
        )

    def verdict(self, ref: RecordRef) -> tuple[bool, str]:
        """Whether an order form that stands alone counts as signed, and why or why not."""
        with self.database.unit_of_work() as work:
            forms = self._counted(order_forms.load_for_record(connection=work.connection, ref=ref))
            if not forms:
                return False, "The order form was rejected or cannot be read."
            if forms[-1].state in _NOT_READ:
                return False, "The order form was not read yet."
            found = verdict_of(work=work, form=forms[-1], settings=self.settings)
        return found.is_signed, found.reason

    def _by_form(self, ref: RecordRef) -> str:
        if not self.settings.rules.signs_record:
            return ""
        with self.database.unit_of_work() as work:
            for form in self._counted(order_forms.load_for_record(connection=work.connection, ref=ref)):
                if form.state in _NOT_READ:
                    continue
                found = verdict_of(work=work, form=form, settings=self.settings)
                if found.is_signed:
                    return f"The order form {form.number} is signed. {found.reason}"
        return ""

    def _by_pointer(self, org: Org, ref: RecordRef) -> str:
        """A record of an e-signature package that says so, read afresh: it may have been taken back."""
        with self.database.reading() as connection:
            pointers = order_forms.load_pointers(connection=connection, ref=ref)
        for pointer in pointers:
            rule = org.pointers.get(pointer.object)
            if rule is None:
                continue
            for found in org.gateway.fetch(selection=rule.selection, record_ids=[pointer.record_id]):
                is_signed, reason = rule.is_signed(found)
                if is_signed and rule.signed_record(found) == ref.record_id:
                    return f"{pointer.object} {pointer.record_id} says that it was signed: {reason}"
        return ""

    def _counted(self, forms: list[StoredForm]) -> list[StoredForm]:
        return [form for form in forms if form.state not in _NOT_COUNTED]

    def _facts(self, record: Record, read: OrderRead) -> OrderFacts:
        settings = self.settings
        contact = Person(_at(record.fields, settings.contact_name), _at(record.fields, settings.contact_email))
        return OrderFacts(
            order=read.terms,
            amounts=line_values(contract=read.contract),
            value=read.value,
            seller=settings.sellers.get(read.terms.legal_entity, ""),
            contact=contact,
        )


class FormIncomplete(Refused):
    """The document does not name everything that an order needs."""

    code = "FORM_INCOMPLETE"
    owner = "finance"
    fix = "Answer the questions on the page of the order form, or name the Salesforce record that it belongs to."

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        super().__init__(faults[0].message, code=faults[0].code, fix=faults[0].fix, owner=faults[0].owner)
        self.faults = faults


def order_of(form: StoredForm, ref: RecordRef, sellers: Mapping[str, str]) -> Order:
    """The order that a document is by itself. Raises FormIncomplete with everything that is missing."""
    if form.is_ours and form.read.terms:
        # The very terms that we wrote into it; the pages are ours, and the signature covers both.
        made: Order = load_order(load_exact(form.read.terms))
        return _as_of(made, ref, form)
    reading = form.reading
    faults = [_no_value(form, name) for name in _NEEDED if not reading.text(name)]
    for number, line in enumerate(reading.lines, start=1):
        faults += [_no_value(form, f"lines.{number}.{name}") for name in _NEEDED_ON_LINES if name not in line]
    seller = _seller(form.reading.text("seller"), sellers)
    if not seller:
        faults.append(_no_value(form, "seller"))
    if not reading.lines:
        faults.append(_no_value(form, "lines"))
    if faults:
        raise FormIncomplete(tuple(faults))
    starts_on, ends_on = (date.fromisoformat(reading.text(name)) for name in ("starts_on", "ends_on"))
    items = tuple(
        LineItem(
            ref=f"{ref.record_id}:{number}",
            position=number,
            product_code=line["product_code"].value,
            product_name=line["product_name"].value,
            starts_on=date.fromisoformat(line["starts_on"].value) if "starts_on" in line else starts_on,
            ends_on=date.fromisoformat(line["ends_on"].value) if "ends_on" in line else ends_on,
            quantity=Decimal(line["quantity"].value),
            unit_price=Decimal(line["unit_price"].value),
        )
        for number, line in enumerate(reading.lines, start=1)
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
        legal_entity=seller,
        line_items=items,
        po_number=reading.text("po_number"),
        signed_total=Decimal(reading.text("total")),
    )


def _seller(name: str, sellers: Mapping[str, str]) -> str:
    """The code of our company that the document names; the only one when there is but one. Empty: nobody can tell."""
    if not name and len(sellers) == 1:
        return next(iter(sellers))
    return next((code for code, known in sellers.items() if name.casefold() in (known.casefold(), code.casefold())), "")


def _as_of(made: Order, ref: RecordRef, form: StoredForm) -> Order:

    signed_at = form.verdict.signed_at if form.verdict else None
    return dataclasses.replace(made, source=ref, signed_on=signed_at.date() if signed_at else made.signed_on)


def _no_value(form: StoredForm, name: str) -> Fault:
    message = f"Order form {form.number} does not name: {label_of(name)}."
    return Fault("FORM_INCOMPLETE", message, FormIncomplete.fix, FormIncomplete.owner, form.number, name)


def _not_read(form: StoredForm) -> Fault:
    message = f"The order form {form.number} has not been read yet."
    if form.refusal.message:
        message += f" {form.refusal.message}"
    return Fault("FORM_NOT_READ", message, "Nothing to do: the order goes on by itself.", "nobody", form.number)


def _missing(ref: RecordRef) -> Fault:
    return Fault(
        "FORM_MISSING",
        f"There is no signed order form for {ref.object} {ref.record_id}.",
        "Send the signed document (page, API, folder or e-signature provider).",
        "sales rep",
        ref.record_id,
    )


def _at(fields: Mapping[str, Any], path: str) -> str:
    """The text at a path of the record, empty when there is none."""
    found: Any = fields
    for name in path.split(".") if path else ():
        found = found.get(name) if isinstance(found, Mapping) else None
    return found if isinstance(found, str) else ""

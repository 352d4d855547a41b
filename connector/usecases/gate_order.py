"""The order forms of a record, asked at each look: do they let the order go on, and do they make the record signed?

Exists so that the look knows one part with two questions. Any document that is open stops the order, visibly; what was
rejected or is no order form does not count. Nothing outside is called but the record that reported a signature.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from connector.domain.contracts import build_contract
from connector.domain.form_states import FormState, findings_hash
from connector.domain.terms import RecordRef
from connector.domain.tie_out import OrderFacts, Person
from connector.errors import Fault
from connector.ports import Clock, Org, Record, RecordMapping, RecordSelection
from connector.store import contract_orders, order_forms
from connector.store.form_rows import StoredForm
from connector.store.orders import StoredOrder
from connector.store.unit_of_work import Database
from connector.usecases.form_settings import FORM_OBJECT, FormSettings
from connector.usecases.fulfilment_steps import TermsRefused, line_values
from connector.usecases.judge_form import judge_with_order, verdict_of
from connector.usecases.order_of_form import order_of
from connector.usecases.read_order import OrderRead

_NOT_COUNTED = (FormState.REFUSED, FormState.REJECTED)
_NOT_READ = (FormState.RECEIVED, FormState.RETRYING)


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
            FORM_OBJECT, selection, lambda _record: order_of(form=form, ref=ref, settings=self.settings), "order-form"
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

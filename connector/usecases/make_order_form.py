"""Make an order form of a Salesforce record, before it is signed: the PDF that the customer signs.

The record is read by the same functions that read it once it is signed, so what is on paper is what will be ordered.
The bytes are kept, so that a document which comes back is known as ours.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from connector.documents.order_form import OrderFormView, amount_on_paper, render_order_form
from connector.errors import NotFound
from connector.ports import Clock, EntitlementPlatform, Org
from connector.store import order_forms
from connector.store.terms import order_document
from connector.store.types import dump_exact
from connector.store.unit_of_work import Database
from connector.usecases.form_settings import FormSettings
from connector.usecases.fulfilment_steps import line_values
from connector.usecases.locate_record import locate_record
from connector.usecases.read_order import OrderRead, read_order
from connector.usecases.resync import salesforce_id18


@dataclass(frozen=True, slots=True)
class MadeOrderForm:
    """The PDF and the name by which it is known."""

    made_id: str
    content: bytes


@dataclass(frozen=True, slots=True)
class OrderFormMaker:
    """What making needs."""

    database: Database
    clock: Clock
    orgs: Mapping[str, Org]
    platform: EntitlementPlatform
    settings: FormSettings

    def make(self, *, salesforce_id: str, actor: str) -> MadeOrderForm:
        """Read the record, make and keep its order form. Raises NotFound, and Refused errors with all its faults."""
        record_id = salesforce_id18(salesforce_id)
        ref = locate_record(orgs=self.orgs, record_id=record_id)
        if ref is None:
            raise NotFound(f"No connected org has a record {record_id} of a kind that is mapped.")
        mapping = self.orgs[ref.org_id].mappings[ref.object]
        found = self.orgs[ref.org_id].gateway.fetch(selection=mapping.selection, record_ids=[record_id])
        if not found:
            raise NotFound(f"{ref.object} {record_id} is deleted, merged, or hidden from our user.")
        read = read_order(record=found[0], mapping=mapping, database=self.database, platform=self.platform)
        made_id, now = secrets.token_hex(12), self.clock.now()
        content = render_order_form(view=self._view(read, made_id), attachment=self._attachment(read, made_id))
        with self.database.unit_of_work() as work:
            order_forms.save_made(work=work, made_ref=made_id, ref=ref, content=content, made_by=actor, now=now)
            work.commit()
        return MadeOrderForm(made_id, content)

    def _view(self, read: OrderRead, made_id: str) -> OrderFormView:
        terms, amounts = read.terms, line_values(contract=read.contract)
        facts = [
            ("Customer", terms.customer.name),
            ("Seller", self.settings.sellers.get(terms.legal_entity, "")),
            ("Start", terms.starts_on.isoformat()),
            ("Last day", (terms.ends_on - timedelta(days=1)).isoformat()),
            ("Payment terms", f"Net {terms.payment_terms_days}"),
            ("Purchase order", terms.po_number),
            ("Currency", terms.currency),
            ("Salesforce record", terms.source.record_id),
        ]
        lines = [
            {
                "product_name": item.product_name,
                "product_code": item.product_code,
                "quantity": amount_on_paper(item.quantity),
                "unit_price": amount_on_paper(item.unit_price),
                "amount": amount_on_paper(amounts[item.ref]) if item.ref in amounts else "",
            }
            for item in terms.line_items
        ]
        return OrderFormView(
            made_id=made_id,
            record=terms.source.record_id,
            facts=tuple((label, value) for label, value in facts if value),
            lines=tuple(lines),
            total=amount_on_paper(read.value),
            made_on=self.clock.now().date(),
        )

    def _attachment(self, read: OrderRead, made_id: str) -> bytes:
        """The terms as data, in the words of `domain.form_readings`, and the whole order for one that stands alone."""
        terms, amounts = read.terms, line_values(contract=read.contract)
        lines = []
        for item in terms.line_items:
            line = {
                "product_name": item.product_name,
                "product_code": item.product_code,
                "quantity": format(item.quantity, "f"),
                "unit_price": format(item.unit_price, "f"),
            }
            if item.ref in amounts:
                line["amount"] = format(amounts[item.ref], "f")
            lines.append(line)
        document: dict[str, Any] = {
            "made_id": made_id,
            "salesforce_id": terms.source.record_id,
            "customer_name": terms.customer.name,
            "customer_ref": terms.customer.ref,
            "seller": self.settings.sellers.get(terms.legal_entity, ""),
            "currency": terms.currency,
            "starts_on": terms.starts_on.isoformat(),
            "ends_on": terms.ends_on.isoformat(),
            "payment_terms_days": terms.payment_terms_days,
            "po_number": terms.po_number,
            "total": format(read.value, "f"),
            "lines": lines,
            "terms": dump_exact(order_document(terms)),
        }
        return json.dumps(document, ensure_ascii=False).encode()

"""Documents of the store as answers of the API; see `showing` for the rest."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from connector.domain.money import Money
from connector.store.queries_invoices import InvoiceDetail, InvoiceItemRow, InvoiceRow
from connector.usecases.review_desk import Reviewed
from connector.usecases.show_schedule import ContractSchedule, document_row
from connector.web.api import answers, answers_of_actions, answers_of_billing
from connector.web.api.showing import charge, money, plain


def schedule(number: str, found: ContractSchedule) -> answers_of_billing.ScheduleAnswer:
    """The schedule of a contract."""
    check = found.check
    return answers_of_billing.ScheduleAnswer(
        contract=number,
        charges=tuple(charge(item) for item in found.charges),
        documents=tuple(document(document_row(one)) for one in found.documents),
        check=answers_of_billing.ScheduleCheckAnswer(
            agrees=check.agrees,
            scheduled=money(check.scheduled),
            value=money(check.value),
            difference=money(check.difference),
        ),
    )


def document(row: Mapping[str, Any]) -> answers_of_billing.DocumentAnswer:
    """One document of a schedule or a preview."""
    values = dict(row)
    currency = values.pop("currency")
    for name in ("net", "tax", "gross"):
        values[name] = _money(values[name], currency)
    values["items"] = tuple(
        answers_of_billing.DocumentItemAnswer(**{**item, "amount": _money(item["amount"], currency)})
        for item in values["items"]
    )
    return answers_of_billing.DocumentAnswer(**values)


def preview(found: Mapping[str, Any]) -> answers_of_actions.PreviewAnswer:
    """What a record or an order would become."""
    values = dict(found)
    if values["contract"] is not None:
        values["contract"] = _previewed_contract(values["contract"])
    values["charges"] = tuple(_previewed_charge(item) for item in values["charges"])
    values["documents"] = tuple(document(row) for row in values["documents"])
    values["order"] = plain(values["order"])
    values["entitlements"] = tuple(plain(item) for item in values["entitlements"])
    return answers_of_actions.PreviewAnswer(**values)


def invoice(row: InvoiceRow) -> answers_of_billing.InvoiceAnswer:
    """One document of the list."""
    return answers_of_billing.InvoiceAnswer(**_invoice_values(row))


def invoice_detail(found: InvoiceDetail, reviewed: Reviewed) -> answers_of_billing.InvoiceDetailAnswer:
    """One document with everything on it and what the rules of review tell of it."""
    return answers_of_billing.InvoiceDetailAnswer(
        **_invoice_values(found.row),
        content_hash=reviewed.content_hash,
        number=reviewed.number,
        is_quiet=reviewed.is_quiet,
        findings=tuple(
            answers_of_billing.FindingAnswer(
                code=finding.code,
                message=finding.message,
                fix=finding.fix,
                owner=finding.owner,
                is_blocking=finding.is_blocking,
            )
            for finding in reviewed.findings
        ),
        payment_terms_days=found.row.payment_terms_days,
        po_number=found.row.po_number,
        run_as_of=found.run_as_of,
        items=tuple(_item(item) for item in found.items),
        taxes=tuple(
            answers_of_billing.TaxAnswer(
                rate=tax.rate,
                category=tax.category,
                mention=tax.mention,
                net=money(tax.net),
                tax=money(tax.tax),
            )
            for tax in found.taxes
        ),
        lowers=found.lowers,
    )


def _previewed_contract(item: Mapping[str, Any]) -> dict[str, Any]:
    values = dict(item)
    currency = values.pop("currency")
    for name in ("value", "change", "recurring_value", "annual_value"):
        values[name] = _money(values[name], currency)
    return values


def _previewed_charge(item: Mapping[str, Any]) -> dict[str, Any]:
    values = dict(item)
    values["amount"] = _money(values["amount"], values.pop("currency"))
    return values


def _money(amount: Decimal | None, currency: str) -> answers.MoneyAnswer | None:
    return None if amount is None else money(Money(amount, currency))


def _invoice_values(row: InvoiceRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "kind": row.kind,
        "state": row.state,
        "org_id": row.org_id,
        "customer": answers.CustomerRefAnswer(ref=row.customer_ref, name=row.customer_name),
        "payer": row.payer_ref,
        "legal_entity": row.legal_entity,
        "bill_on": row.bill_on,
        "due_on": row.due_on,
        "net": money(row.net),
        "tax": money(row.tax) if row.tax is not None else None,
        "gross": money(row.gross) if row.gross is not None else None,
        "item_count": row.item_count,
        "problem_code": row.problem_code,
        "problem": row.problem,
        "created_at": row.created_at,
    }


def _item(item: InvoiceItemRow) -> answers_of_billing.InvoiceItemAnswer:
    return answers_of_billing.InvoiceItemAnswer(
        position=item.position,
        contract=item.contract_number,
        order=item.order_number or None,
        order_record=item.order_ref,
        line=item.line_ref,
        product_code=item.product_code,
        description=item.description,
        kind=item.kind,
        starts_on=item.starts_on,
        ends_on=item.ends_on,
        quantity=item.quantity,
        unit_price=item.unit_price,
        amount=money(item.amount),
        tax_rate=item.tax_rate,
        reason=item.reason,
        reverses=item.reverses,
    )

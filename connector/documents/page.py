"""A document as the strings that stand on it, in one language: what the template lays out.

Exists so that page and PDF are made from the same words and figures, and a template holds no arithmetic, no choice of
words and no formatting. It must not lay anything out.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal

from connector.documents.footer import footer_lines
from connector.documents.formats import (
    amount_text,
    long_day_text,
    money_text,
    number_text,
    percent_text,
    period_text,
    price_text,
)
from connector.documents.plain_text import all_readable, one_line
from connector.documents.qr import code_image, png_image
from connector.documents.texts import Texts
from connector.domain.documents import BankAccount, DocumentLine, DocumentState, DocumentView, Party, Seller
from connector.domain.payment_reference import grouped, is_creditor_reference
from connector.domain.tax import RateTotal, Tax, TaxCategory
from connector.domain.terms import Address

# A table row cannot be broken over two pages, so a long text becomes several rows.
_ROW_TEXT = 600
# Texts of finance and of customers have no end of their own; each of these is a paragraph, cut at an end of line.
_PARAGRAPH = 1200
# A link that would run something when it is followed is never shown.
_LINKS = ("https://", "http://")
_EVERY = {1: "per_month", 3: "per_quarter", 12: "per_year"}

Rows = list[dict[str, str]]


def page_of(*, view: DocumentView, texts: Texts) -> dict[str, object]:
    """Everything that the template shows, as text. Empty texts are meant to be left out."""
    page = {
        "language": texts.language,
        "direction": texts.direction,
        "kind": view.kind.value,
        "state": view.state.value,
        "title": _title(view, texts),
        "number": view.number or "",
        "banner": _banner(view, texts),
        "currency": view.currency,
        "seller": _seller(view.seller),
        "buyer": _party(view.buyer, texts),
        "payer": _party(view.payer, texts) if view.payer is not None else None,
        "facts": _facts(view, texts),
        "intro": _intro(view, texts),
        "columns": _columns(view, texts),
        "lines": [_line(line, view, texts) for line in view.lines],
        "totals": _totals(view, texts),
        "due": _due(view, texts),
        "mentions": _mentions(view, texts),
        "memo": _paragraphs(view.memo),
        "payment": _payment(view, texts),
        "footer": footer_of(view.seller, texts),
        "words": dict(texts.label),
    }
    return all_readable(page)


def _title(view: DocumentView, texts: Texts) -> str:
    suffix = f"_{view.state.value}" if view.state in (DocumentState.DRAFT, DocumentState.UPCOMING) else ""
    return texts.title[f"{view.kind.value}{suffix}"]


def _banner(view: DocumentView, texts: Texts) -> dict[str, str] | None:
    if view.state is DocumentState.ISSUED:
        return None
    return {"word": texts.banner[view.state.value], "note": texts.banner[f"{view.state.value}_note"]}


def _seller(seller: Seller) -> dict[str, object]:
    return {
        "name": seller.name,
        "logo": png_image(seller.logo) if seller.logo else "",
        "sender": " · ".join([seller.name, *_address(seller.address)]),
        "contact": [text for text in (seller.contact, seller.email, seller.phone, seller.website) if text],
    }


def _party(party: Party, texts: Texts) -> dict[str, object]:
    contact = f"{texts.label['contact']} {party.contact}" if party.contact else ""
    tax_id = f"{texts.label['tax_id']} {party.tax_id}" if party.tax_id else ""
    return {"name": party.name, "lines": [text for text in (contact, *_address(party.address), tax_id) if text]}


def _address(address: Address) -> list[str]:
    place = " ".join(text for text in (address.postal_code, address.city) if text)
    region = f"{place}, {address.state}" if address.state and place else place or address.state
    return [text for text in (*address.street.splitlines(), region, address.country) if text.strip()]


def _facts(view: DocumentView, texts: Texts) -> Rows:
    label, is_issued = texts.label, view.is_issued
    found = [
        (label["number"], view.number or ""),
        (label["issued_on"] if is_issued else label["planned_on"], long_day_text(view.issued_on, texts)),
        (label["due_on"], "" if view.is_credit_note or not is_issued else long_day_text(view.due_on, texts)),
        (label["service"], period_text(view.service, texts) if view.service else ""),
        (label["po_number"], view.po_number),
        (label["buyer_reference"], view.buyer.reference),
        (label["customer_ref"], view.buyer.ref),
        (label["contract"], ", ".join(view.contract_refs)),
        (label["order"], ", ".join(view.order_refs)),
        (label["lowers"], ", ".join(lowered.number for lowered in view.lowers)),
    ]
    return [{"label": name, "value": value} for name, value in found if value]


def _intro(view: DocumentView, texts: Texts) -> list[str]:
    lowered = [
        texts.sentence["lowers"].format(number=document.number, date=long_day_text(document.issued_on, texts))
        for document in view.lowers
    ]
    return [*lowered, *([f"{texts.label['reason']}: {view.reason}"] if view.reason else [])]


def _columns(view: DocumentView, texts: Texts) -> dict[str, str]:
    names = ("position", "description", "quantity", "unit_price", "tax", "amount")
    columns = {name: texts.label[name] for name in names}
    return {**columns, "amount": f"{columns['amount']} ({view.currency})"}


def _line(line: DocumentLine, view: DocumentView, texts: Texts) -> dict[str, object]:
    first, *rest = _pieces(line.description, _ROW_TEXT) or [line.product_code]
    return {
        "position": str(line.position),
        "description": first,
        "more": rest,
        "details": _details(line, view, texts),
        "quantity": number_text(line.quantity, texts),
        "unit_price": price_text(line.unit_price, view.currency, texts),
        "every": _every(line.price_months, texts),
        "tax": _rate_text(line.tax, texts),
        "amount": amount_text(line.net, texts),
    }


def _details(line: DocumentLine, view: DocumentView, texts: Texts) -> list[str]:
    """The small print of a row: its period, and what leads back to its order where a document has several."""
    period = period_text(line.period, texts) if line.period is not None else ""
    estimate = texts.sentence["estimate"] if line.is_estimate else ""
    references = [
        f"{texts.label[name]} {value}"
        for name, value, others in (
            ("order", line.order_ref, view.order_refs),
            ("contract", line.contract_ref, view.contract_refs),
        )
        if value and len(others) > 1
    ]
    when = " · ".join(text for text in (period, estimate, *references) if text)
    return [text for text in (when, *_pieces(line.note, _ROW_TEXT)) if text]


def _every(months: int | None, texts: Texts) -> str:
    if months is None:
        return ""
    return texts.sentence[_EVERY.get(months, "per_months")].format(months=months)


def _rate_text(tax: Tax, texts: Texts) -> str:
    return "–" if tax.category is TaxCategory.NOT_SUBJECT else percent_text(tax.rate, texts)


def _totals(view: DocumentView, texts: Texts) -> Rows:
    label = texts.label
    rows = [(label["net"], view.net)]
    rows += [(_tax_label(row, texts), row.amount) for row in view.tax_rows if _is_shown(row, view)]
    rows.append((label["gross"], view.gross))
    if view.paid:
        rows.append((label["paid"], -view.paid))
    return [{"label": name, "value": money_text(amount, texts)} for name, amount in rows]


def _is_shown(row: RateTotal, view: DocumentView) -> bool:
    """Where nothing is taxed at all and no rule says why, a row of zero tax would only raise questions."""
    return row.tax.category is not TaxCategory.NOT_SUBJECT or len(view.tax_rows) > 1


def _tax_label(row: RateTotal, texts: Texts) -> str:
    rate = percent_text(row.tax.rate, texts)
    return texts.label["tax_on"].format(rate=rate, net=amount_text(row.net, texts))


def _due(view: DocumentView, texts: Texts) -> dict[str, str]:
    if view.state is DocumentState.UPCOMING:
        return {"label": texts.label["estimated"], "value": money_text(view.gross, texts)}
    name = "credited" if view.is_credit_note else "amount_due"
    return {"label": texts.label[name], "value": money_text(view.amount_due, texts)}


def _mentions(view: DocumentView, texts: Texts) -> list[str]:
    is_reversed = any(row.tax.category is TaxCategory.REVERSE_CHARGE for row in view.tax_rows)
    own = [texts.sentence["reverse_charge"]] if is_reversed else []
    said = " ".join(own).casefold()
    return [*own, *(text for text in view.mentions if text.casefold() not in said), *_accounting_tax(view, texts)]


def _accounting_tax(view: DocumentView, texts: Texts) -> list[str]:
    owed = view.accounting_tax
    if owed is None:
        return []
    sentence = texts.sentence["accounting_tax_source" if owed.source else "accounting_tax"]
    return [
        sentence.format(
            currency=owed.amount.currency,
            amount=money_text(owed.amount, texts),
            rate=number_text(owed.rate, texts),
            document=view.currency,
            source=owed.source,
        )
    ]


def _payment(view: DocumentView, texts: Texts) -> dict[str, object] | None:
    if view.state is DocumentState.UPCOMING:
        return None
    if view.is_credit_note:
        return {"sentences": [texts.sentence["credit"]], "accounts": [], "rows": [], "code": "", "link": "", "scan": ""}
    payment, reference = view.payment, view.payment.reference
    is_owed = view.is_issued and view.amount_due.amount > Decimal(0)
    printed = grouped(reference) if is_creditor_reference(reference) else reference
    return {
        "sentences": [_terms(view, texts), *([texts.sentence["reference"]] if reference and is_owed else [])],
        "accounts": [account_rows(account, texts) for account in payment.accounts] if is_owed else [],
        "rows": [{"label": texts.label["reference"], "value": printed}] if printed and is_owed else [],
        "code": code_image(payment.code) if payment.code and is_owed else "",
        "scan": texts.sentence["scan"],
        "link": payment.link if is_owed and payment.link.startswith(_LINKS) else "",
        "pay_online": texts.sentence["pay_online"],
    }


def _terms(view: DocumentView, texts: Texts) -> str:
    name = "terms" if view.payment_terms_days > 0 else "terms_at_once"
    return texts.sentence[name].format(days=view.payment_terms_days, date=long_day_text(view.due_on, texts))


def account_rows(account: BankAccount, texts: Texts) -> Rows:
    """A bank account as (label, value) rows, only those that it has."""
    found = [
        ("holder", account.holder),
        ("iban", grouped(account.iban) if account.iban else ""),
        ("bic", account.bic),
        ("bank", account.bank),
        ("account_number", account.account_number),
        ("routing_number", account.routing_number),
    ]
    return [{"label": texts.label[name], "value": value} for name, value in found if value]


def footer_of(seller: Seller, texts: Texts) -> list[str]:
    """Who the seller is, as the lines at the foot of a document or a mail."""
    legal = [
        seller.registration,
        f"{texts.label['tax_id']} {seller.tax_id}" if seller.tax_id else "",
        f"{texts.label['tax_number']} {seller.tax_number}" if seller.tax_number else "",
    ]
    return footer_lines([[one_line(text) for text in row] for row in _rows_of(seller, legal)])


def _rows_of(seller: Seller, legal: Sequence[str]) -> list[Sequence[str]]:
    return [[seller.name, *_address(seller.address)], legal, [seller.email, seller.phone, seller.website]]


def _paragraphs(text: str) -> list[str]:
    return [piece for line in text.splitlines() if line.strip() for piece in _pieces(line, _PARAGRAPH)]


def _pieces(text: str, longest: int) -> Sequence[str]:
    """The text in pieces of at most that many characters, cut at blanks where there are any."""
    return re.findall(rf"\S(?:.{{0,{longest - 2}}}\S)?(?=\s|$)|\S{{{longest}}}", " ".join(text.split()))

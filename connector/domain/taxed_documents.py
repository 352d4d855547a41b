"""A draft with its tax: what a reviewer approves and a customer is asked to pay.

Exists so that previews, reviews and issued documents get their tax and totals from one place. Items that take back an
issued row keep the tax of that row; everything else is decided by the rules on the document's date.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from connector.domain.invoice_drafts import InvoiceDraft, InvoiceItem
from connector.domain.tax import PriceBasis, Tax, TaxRounding, TaxRule, TaxTotals, decide_tax, tax_totals
from connector.domain.terms import Customer


@dataclass(frozen=True, slots=True)
class TaxSettings:
    """How we tax: rules, the country of each legal entity, and how each one rounds and states prices."""

    rules: tuple[TaxRule, ...]
    entity_countries: Mapping[str, str]
    basis: PriceBasis = PriceBasis.EXCLUSIVE
    rounding: TaxRounding = TaxRounding.DOCUMENT

    def tax(self, *, draft: InvoiceDraft, customer: Customer, decided: Mapping[str, Tax]) -> TaxedDocument:
        """The draft with tax by these rules, see `tax_document`; this makes the settings a tax engine."""
        return tax_document(draft=draft, customer=customer, settings=self, decided=decided)


@dataclass(frozen=True, slots=True)
class TaxedDocument:
    """A draft, the tax of each of its items in their order, and the totals."""

    draft: InvoiceDraft
    taxes: tuple[Tax, ...]
    totals: TaxTotals


def tax_document(
    *,
    draft: InvoiceDraft,
    customer: Customer,
    settings: TaxSettings,
    decided: Mapping[str, Tax] | None = None,
) -> TaxedDocument:
    """The draft with tax; `decided` gives the taxes of issued rows by charge key, which their reversals keep.

    Raises TaxUndecided when no rule fits the customer.
    """
    known = decided or {}
    # On one document only the tax code of an item can make a difference.
    by_code: dict[str, Tax] = {}
    for item in draft.items:
        if item.reverses not in known and item.tax_code not in by_code:
            by_code[item.tax_code] = _decide(draft, item, customer, settings)
    taxes = tuple(known[item.reverses] if item.reverses in known else by_code[item.tax_code] for item in draft.items)
    items = [(item.amount, tax) for item, tax in zip(draft.items, taxes, strict=True)]
    totals = tax_totals(items=items, currency=draft.net.currency, basis=settings.basis, rounding=settings.rounding)
    return TaxedDocument(draft, taxes, totals)


def _decide(draft: InvoiceDraft, item: InvoiceItem, customer: Customer, settings: TaxSettings) -> Tax:
    entity = draft.bill_to.legal_entity
    return decide_tax(
        rules=settings.rules,
        legal_entity=entity,
        entity_country=settings.entity_countries.get(entity, ""),
        customer_country=customer.billing_address.country,
        has_tax_id=bool(customer.tax_id.strip()),
        tax_code=item.tax_code,
        on=draft.bill_on,
    )

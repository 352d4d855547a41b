"""From settings to what finance works with: our legal entities with their number series, and the rules of review.

Exists so that settings stay plain and the domain stays free of them. Nothing is called here; of files only the logos
are read.
"""

from __future__ import annotations

from collections.abc import Iterable

from connector.config_billing import BillingSettings, EntitySettings, ReviewSettings, read_logo
from connector.domain.documents import BankAccount, Seller
from connector.domain.legal_entities import LegalEntity, NumberFormat, numbering_faults, plain_entity
from connector.domain.money import CurrencyError, currency_places
from connector.domain.review import ReviewRules
from connector.domain.tax import ENTITY_COUNTRIES
from connector.domain.terms import Address


def legal_entities(settings: BillingSettings) -> dict[str, LegalEntity]:
    """Our companies by code; without any in the settings the built-in ones, of which only code and country are known.

    Raises ValueError for a number format that is none; `faults_of_finance` tells which.
    """
    is_from_issue = settings.due_from == "issue_date"
    if settings.entities:
        return {one.code: _entity(one, is_from_issue) for one in settings.entities}
    return {code: plain_entity(code=code, country=country) for code, country in ENTITY_COUNTRIES.items()}


def review_rules(settings: ReviewSettings) -> ReviewRules:
    """The rules of review."""
    return ReviewRules(
        second_approver_above=dict(settings.second_approver_above),
        quiet_up_to=dict(settings.quiet_up_to),
        jump_percent=settings.jump_percent,
        po_required_for=frozenset(settings.po_required_for),
        is_first_quiet=settings.quiet_first,
        may_editor_approve=settings.editor_may_approve,
    )


def faults_of_finance(*, billing: BillingSettings | None, review: ReviewSettings | None) -> Iterable[tuple[str, str]]:
    """What the domain finds wrong with settings that are well formed: (place, what is wrong)."""
    if review is not None:
        for name in ("second_approver_above", "quiet_up_to"):
            for currency in getattr(review, name):
                if not _is_currency(currency):
                    yield f"review.{name}.{currency}", "This is no ISO 4217 currency."
    if billing is None:
        return
    wrong = list(_wrong_formats(billing))
    yield from wrong
    if not wrong:
        for message in numbering_faults(entities=legal_entities(billing).values()):
            yield "billing.entities", message[0].upper() + message[1:] + "."


def _wrong_formats(settings: BillingSettings) -> Iterable[tuple[str, str]]:
    for number, entity in enumerate(settings.entities, start=1):
        for name in ("invoice_number", "credit_note_number"):
            try:
                NumberFormat(getattr(entity, name))
            except ValueError as error:
                yield f"billing.entities[{number}].{name}", f"The format {error}."


def _is_currency(code: str) -> bool:
    try:
        currency_places(code)
    except CurrencyError:
        return False
    return True


def _entity(settings: EntitySettings, is_from_issue: bool) -> LegalEntity:
    address = Address(settings.street, settings.city, settings.state, settings.postal_code, settings.country)
    seller = Seller(
        name=settings.name or settings.code,
        address=address,
        tax_id=settings.tax_id,
        tax_number=settings.tax_number,
        registration=settings.registration,
        email=settings.email,
        phone=settings.phone,
        website=settings.website,
        logo=read_logo(settings.logo) if settings.logo else b"",
        bank_accounts=tuple(BankAccount(**account.model_dump()) for account in settings.bank_accounts),
    )
    return LegalEntity(
        code=settings.code,
        seller=seller,
        time_zone=settings.time_zone,
        invoice_number=NumberFormat(settings.invoice_number),
        credit_note_number=NumberFormat(settings.credit_note_number),
        is_due_from_issue=is_from_issue,
    )

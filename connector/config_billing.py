"""The settings of billing and review: our companies, their number series and taxes, and who must approve what.

Part of `config`, apart because it is a page of its own. Texts whose meaning the domain knows, such as number formats,
are judged in `validation`.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator


class Section(BaseModel):
    """One table of the file: no unknown keys, no endless numbers, text without blanks around it."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True, allow_inf_nan=False)


class BankAccountSettings(Section):
    """Where customers of a company transfer to; `currency` limits it to documents of that currency."""

    holder: str = Field(min_length=1)
    iban: str = ""
    bic: str = ""
    bank: str = ""
    account_number: str = ""
    routing_number: str = ""
    currency: str = Field(default="", pattern=r"^([A-Z]{3})?$")


# A logo travels in every document, its page, its PDF and its mail.
_LARGEST_LOGO, _MOST_PIXELS = 200_000, 2_000
_PNG, _PNG_HEADER = b"\x89PNG\r\n\x1a\n", 24


def read_logo(path: str) -> bytes:
    """The PNG of a seller. Raises ValueError for a file that is none, or too large for a document."""
    try:
        with Path(path).open("rb") as file:
            data = file.read(_LARGEST_LOGO + 1)
    except OSError as error:
        raise ValueError(f"names a picture that cannot be read ({error.strerror})") from None
    if len(data) < _PNG_HEADER or not data.startswith(_PNG):
        raise ValueError("must name a PNG")
    width, height = (int.from_bytes(data[at : at + 4], "big") for at in (16, 20))
    if len(data) > _LARGEST_LOGO or not 0 < width <= _MOST_PIXELS or not 0 < height <= _MOST_PIXELS:
        raise ValueError(f"must name a PNG of at most {_LARGEST_LOGO // 1000} kB and {_MOST_PIXELS} pixels a side")
    return data


class EntitySettings(Section):
    """One of our companies that sells and invoices, as it stands on its documents.

    `invoice_number` and `credit_note_number` are formats with the places {entity}, {year} and {number}. `logo` is the
    path of a PNG; it is frozen with each document that is issued.
    """

    code: str = Field(min_length=1, max_length=20)
    country: str = Field(pattern=r"^[A-Z]{2}$")
    name: str = ""
    street: str = ""
    city: str = ""
    state: str = ""
    postal_code: str = ""
    tax_id: str = ""
    tax_number: str = ""
    registration: str = ""
    email: str = ""
    phone: str = ""
    website: str = ""
    logo: str = ""
    time_zone: str = "UTC"
    invoice_number: str = "{entity}-{year}-{number:6}"
    credit_note_number: str = "{entity}-CN-{year}-{number:6}"
    bank_accounts: tuple[BankAccountSettings, ...] = ()

    @field_validator("logo")
    @classmethod
    def _a_small_png(cls, value: str) -> str:
        if value:
            read_logo(value)
        return value

    @field_validator("time_zone")
    @classmethod
    def _a_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError("must be a time zone such as Europe/Berlin") from None
        return value


class TaxRuleSettings(Section):
    """One row of the tax table; the first row that fits an item decides."""

    legal_entity: str
    place: Literal["anywhere", "domestic", "eu", "abroad"] = "anywhere"
    rate: Decimal = Field(ge=0, le=100)
    category: Literal["S", "AE", "E", "Z", "G", "O"]
    country: str = Field(default="", pattern=r"^([A-Z]{2})?$")
    tax_code: str = ""
    has_tax_id: bool | None = None
    mention: str = ""
    exemption_code: str = ""
    valid_from: date = date.min
    valid_until: date = date.max


class BillingSettings(Section):
    """Who invoices, and which tax applies; without rows the built-in ones of the billing conventions hold."""

    due_from: Literal["bill_date", "issue_date"] = "bill_date"
    entities: tuple[EntitySettings, ...] = ()
    taxes: tuple[TaxRuleSettings, ...] = ()

    @model_validator(mode="after")
    def _entities_known(self) -> BillingSettings:
        codes = [entity.code for entity in self.entities]
        if doubled := sorted({code for code in codes if codes.count(code) > 1}):
            raise ValueError(f"names the entity {doubled[0]} twice")
        unknown = sorted({rule.legal_entity for rule in self.taxes} - set(codes)) if codes else []
        if unknown:
            raise ValueError(f"names {', '.join(unknown)} in taxes, but not in entities")
        return self


class ReviewSettings(Section):
    """Who must approve what. Amounts are gross, by currency.

    `second_approver_above` empty: one person is always enough; a currency that it does not name always needs two.
    `quiet_up_to`: the most that may be approved in bulk; a currency that it does not name never may.
    """

    second_approver_above: dict[str, Decimal] = Field(default_factory=dict)
    quiet_up_to: dict[str, Decimal] = Field(
        default_factory=lambda: {"EUR": Decimal(10000), "GBP": Decimal(10000), "USD": Decimal(10000)}
    )
    quiet_first: bool = False
    jump_percent: Decimal = Field(default=Decimal(25), gt=0, le=10_000)
    po_required_for: tuple[str, ...] = ()
    editor_may_approve: bool = True

    @field_validator("second_approver_above", "quiet_up_to")
    @classmethod
    def _amounts_by_currency(cls, value: dict[str, Decimal]) -> dict[str, Decimal]:
        for currency, amount in value.items():
            if len(currency) != 3 or not currency.isascii() or not currency.isupper():
                raise ValueError("must name currencies by three capital letters, such as { EUR = 50000 }")
            if amount < 0:
                raise ValueError("must not have an amount below zero")
        return value

"""The settings of cash: bank files, matching, reminders. Part of `config`, apart because it is a page of its own."""

from __future__ import annotations

import codecs
from decimal import Decimal
from typing import Literal

from pydantic import Field, field_validator, model_validator

from connector.config_billing import Section


class CsvSettings(Section):
    """How the CSV export of one bank is read; columns by their names in its head."""

    name: str = Field(min_length=1)
    date: str = Field(min_length=1)
    amount: str = ""
    credit: str = ""
    debit: str = ""
    currency: str = ""
    default_currency: str = Field(default="", pattern=r"^([A-Z]{3})?$")
    value_date: str = ""
    text: tuple[str, ...] = ()
    reference: str = ""
    end_to_end: str = ""
    id: str = ""
    other_name: str = ""
    other_account: str = ""
    own_account: str = ""
    account: str = ""
    balance: str = ""
    delimiter: str = Field(default=";", min_length=1, max_length=1)
    encoding: str = "utf-8"
    decimal: Literal[",", "."] = ","
    date_format: str = "%d.%m.%Y"
    skip_lines: int = Field(default=0, ge=0, le=100)
    newest_first: bool = False
    returns: tuple[str, ...] = ()

    @field_validator("encoding")
    @classmethod
    def _an_encoding(cls, value: str) -> str:
        try:
            codecs.lookup(value)
        except LookupError:
            raise ValueError("must be an encoding such as utf-8 or cp1252") from None
        return value

    @model_validator(mode="after")
    def _whole(self) -> CsvSettings:
        if bool(self.amount) == bool(self.credit and self.debit):
            raise ValueError("needs either amount, or both credit and debit")
        if not (self.currency or self.default_currency):
            raise ValueError("needs currency (a column) or default_currency")
        if not (self.own_account or self.account):
            raise ValueError("needs own_account (a column) or account (the number of our account)")
        return self


class ReminderStepSettings(Section):
    """One letter of a schedule."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_-]{0,39}$")
    days: int = Field(ge=-60, le=730)
    tone: Literal["friendly", "polite", "firm", "final"] = "polite"
    held: bool = False


class ReminderSettings(Section):
    """The schedule for a legal entity or a customer; without either for all. No steps: no reminders."""

    legal_entity: str = ""
    customer: str = ""
    steps: tuple[ReminderStepSettings, ...] = ()
    least: dict[str, Decimal] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _each_step_once(self) -> ReminderSettings:
        for what in ("name", "days"):
            values = [getattr(step, what) for step in self.steps]
            if len(set(values)) != len(values):
                raise ValueError(f"has two steps with the same {what}")
        return self


class CashSettings(Section):
    """Bank files, matching and reminders. Amounts go by currency."""

    fee_tolerance: dict[str, Decimal] = Field(default_factory=dict)
    fees: Literal["automatic", "suggest"] = "automatic"
    withholding_percents: tuple[Decimal, ...] = ()
    largest_statement: int = Field(default=64_000_000, ge=10_000, le=500_000_000)
    csv: tuple[CsvSettings, ...] = ()
    reminders: tuple[ReminderSettings, ...] = ()

    @field_validator("fee_tolerance")
    @classmethod
    def _amounts_by_currency(cls, value: dict[str, Decimal]) -> dict[str, Decimal]:
        for currency, amount in value.items():
            if len(currency) != 3 or not currency.isascii() or not currency.isupper():
                raise ValueError("must name currencies by three capital letters, such as { EUR = 5 }")
            if amount < 0:
                raise ValueError("must not have an amount below zero")
        return value

    @field_validator("withholding_percents")
    @classmethod
    def _percents(cls, value: tuple[Decimal, ...]) -> tuple[Decimal, ...]:
        if any(not Decimal(0) < one < Decimal(100) for one in value):
            raise ValueError("must be percents between 0 and 100")
        return value

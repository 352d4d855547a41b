"""The settings of order forms and of e-signature providers: what counts as signed, how documents come in and look.

Part of `config`, apart because it is a page of its own. Secrets are not here. What must hold between sections is judged
in `validation`.
"""

from __future__ import annotations

import re
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from connector.config_billing import Section

_NAME = r"^[A-Za-z0-9][A-Za-z0-9 _.-]{0,59}$"
_PATH = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,79}(\.[A-Za-z][A-Za-z0-9_]{0,79}){0,4}")
_DATE = re.compile(r"(?=.*YYYY)(?=.*M)(?=.*D)[YMD ,./-]{6,20}")


class LayoutSettings(Section):
    """How one company's order form looks on paper. See docs/order-forms.md."""

    name: str = Field(pattern=_NAME)
    when: tuple[str, ...] = Field(min_length=1)
    language: Literal["en", "de", "fr", "es"] = "en"
    decimal: Literal[".", ","] = "."
    thousands: Literal[",", ".", " ", "'", "’", ""] = ","
    dates: tuple[str, ...] = ("YYYY-MM-DD",)
    last_day: bool = True
    currency: str = Field(default="", pattern=r"^([A-Z]{3})?$")
    labels: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    columns: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    table_ends: tuple[str, ...] = ()
    fields: dict[str, str] = Field(default_factory=dict)

    @field_validator("dates")
    @classmethod
    def _are_patterns(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not value or not all(_DATE.fullmatch(one) for one in value):
            raise ValueError('must be patterns such as "DD.MM.YYYY" or "D MMMM YYYY"')
        return value

    @model_validator(mode="after")
    def _parts_numbers(self) -> LayoutSettings:
        if self.decimal == self.thousands:
            raise ValueError("decimal and thousands must differ")
        return self


class OrderFormSettings(Section):
    """Signed documents: what counts as signed, what a difference means, where documents come in."""

    trust: tuple[str, ...] = ()
    signed_by: tuple[Literal["signature", "provider", "confirmation"], ...] = (
        "signature", "provider", "confirmation",
    )  # fmt: skip
    signatures: int = Field(default=1, ge=1, le=10)
    needs_revocation: bool = False
    required: bool = False
    signs_record: bool = False
    may_stand_alone: bool = False
    stand_alone_org: str = ""
    needed: tuple[str, ...] = ("customer_name", "currency", "total")
    contact_name: str = ""
    contact_email: str = ""
    attachments: tuple[str, ...] = ("countersign-order.json",)
    layouts: tuple[LayoutSettings, ...] = ()
    inbox: str = ""
    largest_file: int = Field(default=25_000_000, ge=10_000, le=100_000_000)
    most_pages: int = Field(default=200, ge=1, le=2000)
    most_seconds: float = Field(default=30, ge=1, le=300)
    most_memory: int = Field(default=1_000_000_000, ge=300_000_000, le=8_000_000_000)

    @field_validator("contact_name", "contact_email")
    @classmethod
    def _a_path(cls, value: str) -> str:
        if value and not _PATH.fullmatch(value):
            raise ValueError("must be a field or a path of the signed record, such as Contact.Email")
        return value

    @model_validator(mode="after")
    def _each_layout_once(self) -> OrderFormSettings:
        names = [layout.name for layout in self.layouts]
        if len(set(names)) != len(names):
            raise ValueError("two layouts have one name")
        return self


class DocusignSettings(Section):
    """The DocuSign account whose envelopes are fetched; `base_url` is the account's own, as DocuSign tells it."""

    base_url: str = ""
    auth_url: str = "https://account.docusign.com"
    account_id: str = ""
    integration_key: str = ""
    user_id: str = ""
    record_field: str = "salesforce_id"

    @field_validator("base_url", "auth_url")
    @classmethod
    def _secure(cls, value: str) -> str:
        parts = urlsplit(value)
        is_local = parts.scheme == "http" and parts.hostname in ("127.0.0.1", "localhost", "::1")
        if value and ((parts.scheme != "https" and not is_local) or parts.username or parts.query):
            raise ValueError("must start with https:// (http:// only for a server on this machine)")
        return value.rstrip("/")

    @property
    def is_on(self) -> bool:
        """Whether documents can be fetched."""
        return bool(self.base_url and self.account_id and self.integration_key and self.user_id)

"""What the use cases of order forms need of the settings, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from connector.domain.form_signatures import SigningPolicy
from connector.domain.form_states import FormRules
from connector.order_forms.layouts import Layout
from connector.order_forms.limits import FormLimits

# The kind of record that an order form without Salesforce is.
FORM_OBJECT = "OrderForm"


@dataclass(frozen=True, slots=True)
class FormSettings:
    """`roots` are trusted certificates (PEM or DER), `sellers` the names of our companies by their code.

    `contact_name` and `contact_email` are paths of the signed record, empty when nobody compares the signer. `inbox` is
    the watched folder, empty for none. `stand_alone_org` is the id of the org, or NO_ORG, to which documents without a
    record belong; `catalogue` says by product code what a line of them gives and how it is charged.
    """

    rules: FormRules = field(default_factory=FormRules)
    policy: SigningPolicy = field(default_factory=SigningPolicy)
    roots: tuple[bytes, ...] = ()
    layouts: tuple[Layout, ...] = ()
    attachments: tuple[str, ...] = ("countersign-order.json",)
    limits: FormLimits = field(default_factory=FormLimits)
    sellers: Mapping[str, str] = field(default_factory=dict)
    contact_name: str = ""
    contact_email: str = ""
    inbox: str = ""
    stand_alone_org: str = ""
    catalogue: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def contact_fields(self) -> tuple[str, ...]:
        """What the record must be read with to compare the signer."""
        return tuple(path for path in (self.contact_name, self.contact_email) if path)

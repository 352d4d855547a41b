"""How one company's order form looks: its labels, its table, its language, as settings.

Exists so that reading text follows a description that a person wrote, and never a guess. Values only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Layout:
    """One layout. It fits a document that holds every text of `when`.

    `labels` gives the texts that stand before (or above) a value, `columns` the heads of the table of lines, and
    `table_ends` what begins the first row after it. `fields` names form fields (AcroForm) for our names. `dates` are
    patterns of YYYY, MM, M, DD, D and MMMM (the month's name in `language`). `is_last_day` says that the end on paper
    is the last day with service. `currency` holds when the document itself names none.
    """

    name: str
    when: tuple[str, ...] = ()
    language: str = "en"
    decimal: str = "."
    thousands: str = ","
    dates: tuple[str, ...] = ("YYYY-MM-DD",)
    is_last_day: bool = True
    labels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    table_ends: tuple[str, ...] = ()
    fields: Mapping[str, str] = field(default_factory=dict)
    currency: str = ""


# The order form that we make ourselves (templates/order_form), so that one that came back can be compared with its
# attachment; and how values of attachments and of form fields are written when no layout says otherwise.
OUR_LAYOUT = Layout(
    name="countersign",
    when=("Order form", "Countersign document"),
    labels={
        "customer_name": ("Customer",),
        "seller": ("Seller",),
        "starts_on": ("Start",),
        "ends_on": ("Last day",),
        "payment_terms_days": ("Payment terms",),
        "po_number": ("Purchase order",),
        "currency": ("Currency",),
        "total": ("Total for the term",),
        "salesforce_id": ("Salesforce record",),
    },
    columns={
        "product_name": ("Product",),
        "product_code": ("Code",),
        "quantity": ("Quantity",),
        "unit_price": ("Unit price",),
        "amount": ("Amount",),
    },
    table_ends=("Total for the term",),
)
PLAIN = Layout(name="", is_last_day=False, thousands="")

"""What the API takes: parameters of lists, and the bodies of what it does. The same models make the documentation."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, WithJsonSchema, model_validator

from connector.store.queries import PageAsked
from connector.store.queries_invoices import INVOICE_STATES
from connector.store.queries_orders import ORDER_STATES
from connector.web.lists import LONGEST_TEXT, decode_cursor

MOST_ROWS = 200
USUAL_ROWS = 50
_MOST_IDS = 1000
# The largest id that both databases can hold.
_LARGEST_ID = 2**63 - 1
_MONTH = re.compile(r"(19|2[0-9])[0-9]{2}-(0[1-9]|1[0-2])")
# Any character but the one that PostgreSQL cannot keep.
NO_NUL = r"^[^\x00]*$"


def _limit(value: Any) -> int:
    if not (isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 4):
        raise ValueError(f"must be a whole number from 1 to {MOST_ROWS}")
    if not 1 <= int(value) <= MOST_ROWS:
        raise ValueError(f"must be from 1 to {MOST_ROWS}")
    return int(value)


def _cursor(value: Any) -> int:
    key = decode_cursor(value) if isinstance(value, str) else None
    if key is None:
        raise ValueError("is not a cursor of this API; use the value of `next` of the page before")
    return key


def _instant(value: Any) -> datetime:
    if not isinstance(value, str) or len(value) < len("2026-01-01T00:00Z"):
        raise ValueError("must be an ISO 8601 instant with its zone, such as 2026-03-01T00:00:00Z")
    try:
        found = datetime.fromisoformat(value)
        if found.tzinfo is None:
            raise ValueError("no zone")
        return found.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ValueError("must be an ISO 8601 instant with its zone, such as 2026-03-01T00:00:00Z") from error


def _month(value: Any) -> date:
    if not isinstance(value, str) or not _MONTH.fullmatch(value):
        raise ValueError("must be a month such as 2026-03")
    return date.fromisoformat(f"{value}-01")


Limit = Annotated[
    int, BeforeValidator(_limit), WithJsonSchema({"type": "integer", "minimum": 1, "maximum": MOST_ROWS, "default": 50})
]
Cursor = Annotated[int, BeforeValidator(_cursor), WithJsonSchema({"type": "string"})]
Instant = Annotated[datetime, BeforeValidator(_instant), WithJsonSchema({"type": "string", "format": "date-time"})]
Month = Annotated[date, BeforeValidator(_month), WithJsonSchema({"type": "string", "pattern": r"^[0-9]{4}-[0-9]{2}$"})]
Text = Annotated[str, StringConstraints(max_length=LONGEST_TEXT, pattern=NO_NUL, strip_whitespace=True)]
SalesforceId = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z]{15}([0-9A-Za-z]{3})?$")]
OrgId = Annotated[str, StringConstraints(pattern=r"^00D[0-9A-Za-z]{12}([0-9A-Za-z]{3})?$")]
AccountId = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z]{0,18}$")]
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{0,60}$")]
OrderNumber = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,40}$")]


class Request(BaseModel):
    """What a request brings; a name that we do not know is refused."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    @classmethod
    def refuse_choice(cls, given: Mapping[str, Any]) -> str:  # noqa: ARG003
        """What is wrong with the choice among the fields given, empty when nothing is.

        Asked apart from the fields' own checks, so that all faults of a request are told at once.
        """
        return ""


class ListParameters(Request):
    """Which page of a list."""

    limit: Limit = Field(USUAL_ROWS, description="How many rows at most.")
    after: Cursor | None = Field(None, description="The value of `next` of the page before.")

    @property
    def page(self) -> PageAsked:
        """The page for a query."""
        return PageAsked(limit=self.limit, after=self.after)


class SearchParameters(ListParameters):
    """Which page of a list, and a text to look for."""

    q: Text = Field("", description="Text to look for, whatever its case.")


class OrderParameters(SearchParameters):
    """Which orders."""

    state: Literal[ORDER_STATES] | None = Field(None, description="Only orders in this state.")  # type: ignore[valid-type]


class InvoiceParameters(SearchParameters):
    """Which documents."""

    state: Literal[INVOICE_STATES] | None = Field(None, description="Only documents in this state.")  # type: ignore[valid-type]
    month: Month | None = Field(None, description="Only documents with a bill date in this month, such as 2026-03.")
    customer: AccountId = Field("", description="Only documents of this Salesforce account.")
    contract: Name = Field("", description="Only documents with a line of this contract number.")


class ResyncBody(Request):
    """What to look at again: exactly one of a record, an order, or a time window (`until` is exclusive)."""

    salesforce_id: SalesforceId | None = Field(None, description="A Salesforce record id, 15 or 18 characters.")
    order: OrderNumber | None = Field(None, description="An order number.")
    since: Instant | None = Field(None, description="Start of a window of looks, with `until`.")
    until: Instant | None = Field(None, description="End of the window, exclusive.")
    dry_run: bool = Field(False, description="Only say what would be looked at.")

    @classmethod
    def refuse_choice(cls, given: Mapping[str, Any]) -> str:
        """Exactly one of the three, and a window with both ends."""
        has = {name for name in ("salesforce_id", "order", "since", "until") if given.get(name) is not None}
        window = has & {"since", "until"}
        if len(has - window) + bool(window) != 1:
            return "Give exactly one of salesforce_id, order, or since with until."
        return "A time window needs both since and until." if len(window) == 1 else ""

    @model_validator(mode="after")
    def _in_order(self) -> ResyncBody:
        if self.since is not None and self.until is not None and self.since >= self.until:
            raise ValueError("since must be earlier than until")
        return self


class ReplayBody(Request):
    """Which parked messages to try again: some of them by id, or all."""

    ids: tuple[Annotated[int, Field(ge=1, le=_LARGEST_ID)], ...] | None = Field(
        None, min_length=1, max_length=_MOST_IDS, strict=False, description="Ids of parked messages."
    )
    all: bool = Field(False, description="Every parked message.")
    dry_run: bool = Field(False, description="Only count what would be tried again.")

    @classmethod
    def refuse_choice(cls, given: Mapping[str, Any]) -> str:
        """Some or all, and never all by mistake."""
        is_one = (given.get("ids") is not None) != (given.get("all") is True)
        return "" if is_one else "Give either ids or all, not both and not neither."

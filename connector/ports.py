"""The doors to the outside: what the core asks of Salesforce, of an entitlement platform and of a clock.

Each port has a real and an embedded adapter in `adapters/`. Value types that cross a port live here. Nothing in this
module does anything; it must not know any vendor's words or libraries.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Protocol, runtime_checkable

from connector.domain.assumptions import Finding
from connector.domain.credits import CreditBalance, LedgerPage
from connector.domain.entitlements import AccessGranted, AccessWanted, CustomPlan, EntitlementState
from connector.domain.invoice_drafts import InvoiceDraft
from connector.domain.tax import PriceBasis, Tax, TaxRounding
from connector.domain.taxed_documents import TaxedDocument
from connector.domain.terms import Customer, Order, RecordRef
from connector.domain.usage import Reach, UsageEvent, UsageQuestion, UsageReport
from connector.errors import Fault
from connector.ports_sweeps import RecordStamp, Touched, TouchedQuestion

JsonScalar = str | int | bool | Decimal | None


@dataclass(frozen=True, slots=True)
class RecordSelection:
    """What to read of one kind of signed record: header fields (dotted paths allowed), its lines and their fields.

    `where` is an extra SOQL condition of the configuration (trusted text), answered per record as `meets_where`.
    `optional_fields` (of the record and of its lines) need not exist: one that the org refuses is left out of the query
    and is then absent in the record; any other refused field is Misconfigured.
    """

    object: str
    fields: tuple[str, ...]
    line_object: str = ""
    line_parent_field: str = ""
    line_fields: tuple[str, ...] = ()
    line_order: tuple[str, ...] = ()
    where: str = ""
    optional_fields: tuple[str, ...] = ()
    optional_line_fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Record:
    """A raw Salesforce row with its lines, as read: numbers are Decimal, parents nested mappings, absent is absent."""

    ref: RecordRef
    fields: Mapping[str, Any]
    lines: tuple[Mapping[str, Any], ...]
    read_at: datetime
    meets_where: bool = True


@dataclass(frozen=True, slots=True)
class RecordWrite:
    """Fields to set on one record by id; values are JSON scalars, dates and instants as ISO text."""

    object: str
    record_id: str
    fields: Mapping[str, JsonScalar]


@dataclass(frozen=True, slots=True)
class KeyedRow:
    """A row of one of our own objects, found by our key; values as in RecordWrite."""

    key: str
    fields: Mapping[str, JsonScalar]


@dataclass(frozen=True, slots=True)
class WriteResult:
    """What became of a RecordWrite, or of a KeyedRow (`record_id` is its key). `is_transient`: again can help."""

    record_id: str
    is_written: bool
    code: str = ""
    message: str = ""
    is_transient: bool = False


@dataclass(frozen=True, slots=True)
class FieldDescription:
    """One field as the org describes it to our user; an unreadable field is simply not described."""

    name: str
    type: str
    label: str = ""
    length: int = 0
    is_updateable: bool = False
    is_nillable: bool = True
    picklist_values: tuple[str, ...] = ()
    reference_to: tuple[str, ...] = ()
    relationship_name: str = ""


@dataclass(frozen=True, slots=True)
class ObjectDescription:
    """One object as the org describes it to our user."""

    name: str
    fields: Mapping[str, FieldDescription]
    is_updateable: bool = True
    is_createable: bool = True


@dataclass(frozen=True, slots=True)
class Organization:
    """The org we are logged in to; `org_id` has 18 characters."""

    org_id: str
    name: str
    is_sandbox: bool
    default_currency: str = ""


@dataclass(frozen=True, slots=True)
class ApiUsage:
    """Daily API calls as the last answer told them; zero limit means unknown. `calls` counts our own since start."""

    used: int = 0
    limit: int = 0
    calls: int = 0


class SalesforceGateway(Protocol):
    """One org, spoken to in our words. Raises Retryable, Refused and Misconfigured errors, never a vendor's.

    Every method may be called from many threads.
    """

    def organization(self) -> Organization:
        """Who we are talking to; one call, then remembered."""

    def fetch(self, *, selection: RecordSelection, record_ids: Sequence[str]) -> tuple[Record, ...]:
        """The records with their lines, in one call for up to 200 ids (more only when lines need paging).

        A record that is deleted, merged or invisible is left out.
        """

    def fetch_signed(
        self, *, object_name: str, condition: str, since: datetime | None, until: datetime | None, limit: int
    ) -> tuple[RecordStamp, ...]:
        """Ids and stamps of records that meet a SOQL condition, oldest stamp first, at most `limit`."""

    def fetch_touched(self, *, question: TouchedQuestion) -> Touched:
        """Everything that moved, in one call (more only for pages), each kind oldest stamp first."""

    def server_now(self) -> datetime:
        """Salesforce's own clock, from the last `Date` header (one cheap call when there was none yet)."""

    def write(self, *, writes: Sequence[RecordWrite]) -> tuple[WriteResult, ...]:
        """Set fields on records, 200 a call, each item answered on its own, in the order given."""

    def upsert(self, *, object_name: str, key_field: str, rows: Sequence[KeyedRow]) -> tuple[WriteResult, ...]:
        """Make or change rows found by an external id, 200 a call, each answered on its own, in the order given."""

    def describe(self, *, object_name: str) -> ObjectDescription:
        """What our user can see of an object. Raises Misconfigured when the object is not visible."""

    def usage(self) -> ApiUsage:
        """API calls used, from the limit header."""

    def calls_by_purpose(self) -> Mapping[str, int]:
        """Our own calls since start, by what they were for."""


@dataclass(frozen=True, slots=True)
class SubscriptionRequest:
    """One subscription to make or bring in line; `key` is ours, made from our row id, the same on every retry.

    `contract_ref` is ours too, and the key of the contract. `subscription_ref` is what the platform answered when it
    was granted before, empty when we never had an answer (which does not prove that there is none). `currency` is that
    of the contract, for the prices of `wanted`.
    """

    key: str
    customer_ref: str
    contract_ref: str
    wanted: AccessWanted
    salesforce_id: str = ""
    subscription_ref: str = ""
    currency: str = ""


class EntitlementPlatform(Protocol):
    """Where access is granted. Creates are keyed: the same key again answers with what exists.

    Raises Retryable, Refused and Misconfigured errors, never a vendor's. An answer that is empty where something must
    be is unknown, not none: Retryable. Every method may be called from many threads, and never inside a transaction.
    """

    @property
    def name(self) -> str:
        """What the platform is called in rows and on pages, such as `embedded`."""

    def upsert_customer(self, *, key: str, customer: Customer) -> str:
        """Make or update the customer; answers the platform's ref. Refused when two customers stand for the account."""

    def fetch_plan(self, *, plan_ref: str, version: int | None = None) -> CustomPlan | None:
        """The custom plan with its entitlements, or None when there is none of that ref.

        `version` asks for the one that a running subscription was made on; a platform that keeps no old versions
        answers with the present one, as it does without.
        """

    def grant(self, *, requests: Sequence[SubscriptionRequest]) -> tuple[str, ...]:
        """Make the contract and its subscriptions, or bring what runs in line; answers their refs in that order.

        All requests are of one contract. In one atomic call where the platform can: all or nothing; else one by one in
        the order given, and a repetition finds what was made. One that begins later is made now, to begin then. A
        running subscription of the same contract and product is changed at once, never replaced.
        """

    def fetch_subscription(self, *, subscription_ref: str) -> AccessGranted | None:
        """What is granted now; None only when the platform says for sure that there is none."""

    def revoke_subscription(self, *, key: str, subscription_ref: str, ends_on: date) -> None:
        """End the subscription on that (exclusive) day; it stays live until then. Ending twice is ending once."""


@runtime_checkable
class ProvesItself(Protocol):
    """A part of the outside that can prove what we take for granted of it."""

    def prove(self) -> Iterable[Finding]:
        """One finding for each assumption, without changing anything. Raises what the part's other calls raise."""


class UsageBook(Protocol):
    """What customers used and what they have left. The same promises as EntitlementPlatform; it only reads."""

    def fetch_usage(self, *, questions: Sequence[UsageQuestion]) -> tuple[UsageReport, ...]:
        """The answers in the order of the questions, in as few calls as the platform allows.

        A customer that the platform does not know is Refused and named; one that used nothing has zero units only when
        the platform says zero, else units None. Of a feature that nobody ever reported no answer is complete: its units
        or its `covered_until` are None.
        """

    def fetch_entitlements(self, *, customer_ref: str) -> tuple[EntitlementState, ...]:
        """What the customer may use now, each feature and credit once; the most generous of several wins."""

    def fetch_credit_balances(self, *, customer_ref: str) -> tuple[CreditBalance, ...]:
        """What is left of each credit of the customer."""

    def fetch_credit_ledger(
        self, *, customer_ref: str, credit_ref: str, after: str = "", limit: int = 100
    ) -> LedgerPage:
        """The movements of one credit, newest first, at most `limit`; `after` comes from the page before."""


class UsageDoor(Protocol):
    """Where usage is reported, when the platform is ours."""

    def report(self, *, events: Sequence[UsageEvent], reach: Reach) -> int:
        """Count the events, all or none; answers how many were new. Refused with `faults` naming each wrong event."""


class TaxEngine(Protocol):
    """Who decides tax: our own table of rules (`domain.taxed_documents.TaxSettings`), or a service that is asked.

    Asked outside any transaction, and again whenever a draft is made anew, so the answer must depend on nothing else.
    """

    @property
    def basis(self) -> PriceBasis:
        """Whether the amounts of items contain the tax."""

    @property
    def rounding(self) -> TaxRounding:
        """Whether tax is rounded once per rate on the document, or on each line; credit notes follow it."""

    def tax(self, *, draft: InvoiceDraft, customer: Customer, decided: Mapping[str, Tax]) -> TaxedDocument:
        """The draft with its tax; `decided` gives the taxes of billed rows by charge key, which reversals keep.

        Raises TaxUndecided when it cannot be decided (the draft is held and says why), Retryable errors when the
        service is away (the contract stays due).
        """


class Clock(Protocol):
    """The only source of now."""

    def now(self) -> datetime:
        """The present instant, aware, UTC."""


@dataclass(frozen=True, slots=True)
class RecordMapping:
    """How one kind of record becomes an order: what to read, and the pure function that maps it.

    `to_order` returns an Order or raises a Refused error that carries every fault as `faults`. `title` names account id
    and customer for pages even when mapping fails. `version` is a short hash of the configuration that made it.
    """

    object: str
    selection: RecordSelection
    to_order: Callable[[Record], Order]
    version: str
    warnings: tuple[Fault, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class Sale:
    """What several signed records may stand for, of which one becomes an order: its ref, empty for none.

    `is_chosen` says that people named this very record as the one that counts.
    """

    ref: str
    is_chosen: bool


def no_sale(_record: Record) -> Sale:
    """Every signed record stands for itself."""
    return Sale("", is_chosen=False)


@dataclass(frozen=True, slots=True)
class SignaturePointer:
    """How a record that only reports a signature is read: `signed_record` answers the id (18) of what was signed.

    `signed_record` raises a Refused error when the record names none.
    """

    object: str
    selection: RecordSelection
    is_signed: Callable[[Record], tuple[bool, str]]
    signed_record: Callable[[Record], str]


@dataclass(frozen=True, slots=True)
class Org:
    """One Salesforce org: its id (18 characters), the gateway to it, how its records are read, what signed means there.

    `mappings` is keyed by object name. `is_signed` answers with the reason in words. `conditions` holds the SOQL
    conditions of the signed rules by object name, for sweeps. `calls_per_day` is our own bound on the org's API calls,
    0 for none. `proves_again` names the objects whose every later message compares access granted with access sold.
    `sale_of` names the sale of which only one record counts.
    `pointers` is keyed by the objects whose records only say that another record was signed.
    """

    org_id: str
    name: str
    gateway: SalesforceGateway
    mappings: Mapping[str, RecordMapping]
    is_signed: Callable[[Record], tuple[bool, str]]
    conditions: Mapping[str, str]
    calls_per_day: int = 0
    proves_again: frozenset[str] = frozenset()
    sale_of: Callable[[Record], Sale] = no_sale
    pointers: Mapping[str, SignaturePointer] = field(default_factory=dict)

"""Airwallex as a payment provider: payment links, payments, deposits into global accounts, refunds, disputes.

Own, over HTTP, because no official Python client exists and the unofficial one makes a random request id per call, so
that a retry after a crash would be a second payment object. Request ids come from the caller, who has stored them.
Nothing here was ever run against a live account; `countersign check` proves what can be proven.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any, TypeVar
from urllib.parse import quote, urlsplit

from connector.adapters.http import HttpSettings
from connector.adapters.payments_airwallex_calls import AirwallexCall, AirwallexConnection, AirwallexSettings
from connector.adapters.payments_airwallex_errors import (
    DuplicateRequest,
    ProviderRefused,
    UnknownToProvider,
    plain,
    unreadable,
)
from connector.adapters.payments_airwallex_reading import KEY_FIELD, link_key, link_of, object_of, request_id_of
from connector.domain.collecting import ObjectKind, ProviderObject, refuse_impossible
from connector.errors import Refused, Uncertain
from connector.logs import log
from connector.ports import Clock
from connector.ports_payments import LinkRequest, PaymentLink, ProviderAccount, RefundRequest

_T = TypeVar("_T")

_PATHS = {
    ObjectKind.PAYMENT: "intents",
    ObjectKind.DEPOSIT: "deposits",
    ObjectKind.REFUND: "refunds",
    ObjectKind.DISPUTE: "disputes",
}
_PAGE = 100
# Beyond this a listing is a mistake of ours or of theirs: ten thousand objects a kind.
_MOST_PAGES = 100
_LONGEST_REASON, _LONGEST_TITLE = 128, 120
_REF = re.compile(r"[A-Za-z0-9_.:-]{1,120}")


class AirwallexPayments:
    """A PaymentProvider over one Airwallex account; see `ports` for what each method promises."""

    name = "airwallex"

    def __init__(
        self,
        *,
        settings: AirwallexSettings,
        clock: Clock,
        http: HttpSettings | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._door = AirwallexConnection(settings=settings, clock=clock, http=http, sleep=sleep)
        self.environment = urlsplit(settings.base_url).hostname or ""

    def account(self) -> ProviderAccount:
        """Who answers, and the currencies of the wallet. Raises LoginRefused."""
        found = self._get("read the account", self._door.path("account"))
        name = plain(found.get("account_name") or found.get("id")) if isinstance(found, dict) else ""
        balances = self._get("read the balances", self._door.path("balances"))
        rows = balances.get("items", []) if isinstance(balances, dict) else balances
        named = (plain(row.get("currency")) for row in rows if isinstance(row, dict)) if isinstance(rows, list) else ()
        return ProviderAccount(name or "an account without a name", frozenset(code for code in named if code))

    def open_link(self, *, request: LinkRequest) -> PaymentLink:
        """Make the link, or adopt the one that this key made. Raises AmountRefused, ProviderRefused, Uncertain."""
        refuse_impossible(request.amount)
        body: dict[str, Any] = {
            "request_id": request.key,
            "title": request.title[:_LONGEST_TITLE],
            "reusable": False,
            "amount": request.amount.amount,
            "currency": request.amount.currency,
            "reference": request.reference,
            "metadata": {KEY_FIELD: request.key, "invoice": request.reference},
        }
        if request.return_url:
            body["return_url"] = request.return_url
        doing = f"open a payment link for {request.reference}"
        try:
            return link_of(self._post(doing, f"{self._door.path('links')}/create", body))
        except DuplicateRequest as seen:
            return self._adopted(self.find_link(request=request), doing, seen)

    def find_link(self, *, request: LinkRequest) -> PaymentLink | None:
        """The link that carries this key, searched for page by page."""
        for row in self._pages("search for a payment link", self._door.path("links"), {}):
            if request.key in (link_key(row), request_id_of(row)):
                return link_of(row)
        return None

    def withdraw_link(self, *, link_ref: str) -> PaymentLink:
        """Deactivate the link; one that is no longer active is left as it is. Raises UnknownToProvider."""
        doing, path = f"withdraw the payment link {link_ref}", f"{self._door.path('links')}/{_safe(link_ref)}"
        try:
            found = link_of(self._post(doing, f"{path}/deactivate", {}))
        except ProviderRefused:
            # Paid or inactive already: how it stands is what the caller needs to know.
            found = link_of(self._get(doing, path))
            if found.is_active:
                raise
        return found

    def fetch_link(self, *, link_ref: str) -> PaymentLink | None:
        """The link as it stands."""
        try:
            path = f"{self._door.path('links')}/{_safe(link_ref)}"
            return link_of(self._get(f"read the payment link {link_ref}", path))
        except UnknownToProvider:
            return None

    def fetch(self, *, kind: ObjectKind, ref: str) -> ProviderObject | None:
        """A payment, deposit, refund or dispute as it stands."""
        try:
            return object_of(kind, self._get(f"read the {kind} {ref}", f"{self._door.path(_PATHS[kind])}/{_safe(ref)}"))
        except UnknownToProvider:
            return None

    def list_since(self, *, since: datetime) -> Iterator[ProviderObject]:
        """Payments, deposits, refunds and disputes created since then (disputes: changed), page by page.

        Airwallex filters most lists by creation only, so older things that change later are the caller's to ask for.
        One object that cannot be read is told in the log and left out; the others are still found.
        """
        # An instant with an offset in digits is the form that every endpoint took; one refused a Z.
        moment = since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S+0000")
        for kind, path in _PATHS.items():
            filters = {"from_updated_at" if kind is ObjectKind.DISPUTE else "from_created_at": moment}
            for row in self._pages(f"list {kind}s", self._door.path(path), filters):
                try:
                    yield object_of(kind, row)
                except Refused as error:
                    log.warning("provider_object_unreadable", kind=kind.value, code=error.code, error=str(error))

    def refund(self, *, request: RefundRequest) -> ProviderObject:
        """Give money back, or adopt the refund that this key made. Raises ProviderRefused, Uncertain."""
        refuse_impossible(request.amount)
        doing = f"refund {request.amount} of payment {request.payment_ref}"
        body = {
            "request_id": request.key,
            "payment_intent_id": request.payment_ref,
            "amount": request.amount.amount,
            "reason": request.reason[:_LONGEST_REASON],
            "metadata": {KEY_FIELD: request.key},
        }
        try:
            return object_of(ObjectKind.REFUND, self._post(doing, f"{self._door.path('refunds')}/create", body))
        except DuplicateRequest as seen:
            return self._adopted(self._find_refund(request), doing, seen)

    def close(self) -> None:
        """Close this thread's connections."""
        self._door.close()

    def _find_refund(self, request: RefundRequest) -> ProviderObject | None:
        filters = {"payment_intent_id": request.payment_ref}
        for row in self._pages("search for a refund", self._door.path("refunds"), filters):
            if request.key in (link_key(row), request_id_of(row)):
                return object_of(ObjectKind.REFUND, row)
        return None

    def _adopted(self, found: _T | None, doing: str, seen: DuplicateRequest) -> _T:
        """What an earlier call made. Not to be found yet is uncertain and not a reason for a new request id."""
        if found is None:
            raise Uncertain(
                f"Could not {doing} for sure: Airwallex has seen this request and does not show what came of it.",
                code="DUPLICATE_NOT_FOUND",
                owner="finance",
                fix="It is looked for again by itself; search for the reference in the Airwallex web app meanwhile.",
            ) from seen
        return found

    def _get(self, doing: str, path: str) -> Any:
        return self._door.call(AirwallexCall(doing, path))

    def _post(self, doing: str, path: str, body: dict[str, Any]) -> Any:
        return self._door.call(AirwallexCall(doing, path, body))

    def _pages(self, doing: str, path: str, filters: dict[str, str]) -> Iterator[Any]:
        """The rows of a list, page after page; pages are counted from nought."""
        for page in range(_MOST_PAGES):
            query = {**filters, "page_num": str(page), "page_size": str(_PAGE)}
            found = self._door.call(AirwallexCall(doing, path, query=query))
            if not isinstance(found, dict) or not isinstance(found.get("items"), list):
                raise unreadable(doing=doing, why="the answer is no list", is_write=False)
            yield from found["items"]
            if found.get("has_more") is not True:
                return
        raise unreadable(doing=doing, why=f"the list has more than {_MOST_PAGES} pages", is_write=False)


def _safe(ref: str) -> str:
    """A ref as part of a path; one that could lead elsewhere is nothing that the provider ever gave."""
    if not _REF.fullmatch(ref) or ref.strip(".") == "":
        raise UnknownToProvider("This is not an id of Airwallex.")
    return quote(ref, safe="")

"""Stigg as entitlement platform, by its official SDK: each verb of the port in Stigg's calls.

What each call means is in the modules beside this one (`stigg_*.py`). It must not know orders or rows. Nothing is
billed there: `writes_prices` only shows beside a subscription what was agreed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

from connector.adapters.stigg_calls import StiggCalls, keyed
from connector.adapters.stigg_catalogue import StiggCatalogue
from connector.adapters.stigg_contracts import StiggContracts
from connector.adapters.stigg_customers import StiggCustomers
from connector.adapters.stigg_errors import StiggRefused
from connector.adapters.stigg_granted import OPEN, StiggReader
from connector.adapters.stigg_proof import prove
from connector.adapters.stigg_usage import StiggUsage
from connector.adapters.stigg_words import day_of, midnight
from connector.domain.assumptions import Finding
from connector.domain.credits import CreditBalance, LedgerPage
from connector.domain.entitlements import AccessGranted, CustomPlan, EntitlementState
from connector.domain.terms import Customer
from connector.domain.usage import UsageQuestion, UsageReport
from connector.ports import SubscriptionRequest


class StiggPlatform:
    """An EntitlementPlatform and a UsageBook on one environment of Stigg. May be used from many threads."""

    def __init__(self, calls: StiggCalls, *, writes_prices: bool = False) -> None:
        self._calls = calls
        self._catalogue = StiggCatalogue(calls)
        self._reader = StiggReader(calls, self._catalogue)
        self._customers = StiggCustomers(calls)
        self._contracts = StiggContracts(calls, self._catalogue, self._reader, writes_prices=writes_prices)
        self._usage = StiggUsage(calls, self._reader)

    @property
    def name(self) -> str:
        """What the platform is called in rows and on pages."""
        return "stigg"

    def close(self) -> None:
        """Close all connections."""
        self._calls.close()

    def upsert_customer(self, *, key: str, customer: Customer) -> str:
        """Make or update the customer; answers Stigg's id of it."""
        return self._customers.upsert(key=key, customer=customer)

    def fetch_plan(self, *, plan_ref: str, version: int | None = None) -> CustomPlan | None:
        """The plan with its entitlements; None when Stigg says that there is none."""
        del version  # Stigg answers with the present version of a plan only.
        found = self._catalogue.plan(plan_ref)
        return found.plan if found else None

    def grant(self, *, requests: Sequence[SubscriptionRequest]) -> tuple[str, ...]:
        """Make the contract and its subscriptions, or bring what runs in line; the refs in that order."""
        return self._contracts.grant(requests)

    def fetch_subscription(self, *, subscription_ref: str) -> AccessGranted | None:
        """What is granted now; None only when Stigg says for sure that there is none."""
        row = self._reader.subscription(subscription_ref)
        return self._reader.granted(row) if row else None

    def revoke_subscription(self, *, key: str, subscription_ref: str, ends_on: date) -> None:
        """End the subscription on that (exclusive) day, at once when the day has come. Raises StiggRefused."""
        row = self._reader.subscription(subscription_ref)
        if row is None:
            raise StiggRefused(f"Stigg has no subscription {subscription_ref}.", code="UNKNOWN_SUBSCRIPTION")
        if row["status"] not in OPEN:
            return
        entity = f"subscription {subscription_ref}"
        if midnight(ends_on) <= self._calls.clock.now():
            self._calls.change(
                f"cancel {entity}",
                key=key,
                entity=entity,
                call=lambda client: client.v1.subscriptions.with_raw_response.cancel(
                    subscription_ref,
                    cancellation_time="IMMEDIATE",
                    extra_headers=keyed(key, {"cancel": subscription_ref}),
                ),
            )
        elif day_of(row.get("cancellationDate")) != ends_on:
            # A date that can be moved again, should the same be sold again.
            self._calls.change(
                f"end {entity} on {ends_on}",
                key=key,
                entity=entity,
                call=lambda client: client.v1.subscriptions.with_raw_response.update(
                    subscription_ref, cancellation_date=midnight(ends_on)
                ),
            )

    def fetch_usage(self, *, questions: Sequence[UsageQuestion]) -> tuple[UsageReport, ...]:
        """The answers in the order of the questions."""
        return self._usage.reports(questions)

    def fetch_entitlements(self, *, customer_ref: str) -> tuple[EntitlementState, ...]:
        """What the customer may use now."""
        return self._reader.states(customer_ref)

    def fetch_credit_balances(self, *, customer_ref: str) -> tuple[CreditBalance, ...]:
        """What is left of each credit of the customer."""
        return self._usage.balances(customer_ref)

    def fetch_credit_ledger(
        self, *, customer_ref: str, credit_ref: str, after: str = "", limit: int = 100
    ) -> LedgerPage:
        """The movements of one credit, newest first."""
        return self._usage.ledger(customer_ref, credit_ref, after, limit)

    def prove(self) -> Iterator[Finding]:
        """Whether what we take for granted of this environment holds, for `check`."""
        yield from prove(self._calls, self._catalogue, self._contracts)

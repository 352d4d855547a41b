"""What we take for granted of a Stigg environment, proved by asking: key, contracts, plans and their entitlements.

It only reads. Whether the plans that products name are there is asked elsewhere, for every platform alike.
"""

from __future__ import annotations

from collections.abc import Iterator

from connector.adapters.stigg_calls import StiggCalls
from connector.adapters.stigg_catalogue import StiggCatalogue, StiggPlan
from connector.adapters.stigg_contracts import StiggContracts
from connector.domain.assumptions import Finding, FindingState
from connector.domain.terms import ProvisionKind

_AREA = "entitlements"
_GOOD, _BAD, _UNKNOWN = FindingState.GOOD, FindingState.BAD, FindingState.UNKNOWN


def prove(calls: StiggCalls, catalogue: StiggCatalogue, contracts: StiggContracts) -> Iterator[Finding]:
    """One finding for each assumption. Raises what the calls raise when Stigg does not let us in at all."""
    features = set(catalogue.feature_kinds())
    yield Finding(_AREA, _GOOD, f"Stigg accepts the API key and shows {len(features)} features.")
    if contracts.is_enabled():
        yield Finding(_AREA, _GOOD, "Stigg's contracts are enabled: a contract and its subscriptions are made at once.")
    else:
        message = "Stigg's contracts are not enabled for this account: subscriptions are made one by one."
        fix = "Ask Stigg to enable contract management, or leave it so."
        yield Finding(_AREA, _UNKNOWN, message, fix, "RevOps")
    credits = {
        row["id"]
        for row in calls.pages(
            "list credit types",
            lambda client, page: client.v1.credits.custom_currencies.with_raw_response.list(**page),
        )
    }
    for row in catalogue.plans():
        if row.get("pricingType") == "FREE":
            continue
        found = catalogue.plan(row["id"])
        if found is not None:
            yield _of_plan(found, features, credits)


def _of_plan(found: StiggPlan, features: set[str], credits: set[str]) -> Finding:
    plan = found.plan
    unknown = [
        one.ref
        for one in plan.entitlements
        if one.ref not in (credits if one.kind is ProvisionKind.CREDIT else features)
    ]
    if not found.has_clear_refs or unknown:
        names = ", ".join(unknown) or "none"
        message = (
            f"The entitlements of the plan {plan.ref} do not name known features and credit types ({names}), so values "
            "that it leaves open cannot be asked for before an order is granted."
        )
        return Finding(
            _AREA, _UNKNOWN, message, "Compare the plan in Stigg with one order on a test environment.", "RevOps"
        )
    open_values = [one.ref for one in plan.entitlements if one.is_variable and not one.is_optional]
    needs = f"every order must bring {', '.join(open_values)}" if open_values else "no order needs to bring a value"
    return Finding(_AREA, _GOOD, f"The plan {plan.ref} is published, its entitlements are known, {needs}.")

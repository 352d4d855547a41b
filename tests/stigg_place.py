"""The sandbox's catalogue on a stand-in for Stigg, and the settings that grant there."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from connector.sandbox.story import CUSTOM_ADD_ONS, CUSTOM_PLANS
from tests.stigg_server import StiggServer
from tests.stigg_server.catalogue import Catalogue, Entitled, SoldPlan

WEBHOOK_SECRET = "stigg-webhook-secret-of-the-tests-0123"


def served_catalogue(*, now: Callable[[], datetime] | None = None, is_limited: bool = False) -> StiggServer:
    """A stand-in that sells what the sandbox's products name; it must be started and stopped."""
    add_ons = tuple(SoldPlan(ref, "product-platform") for ref in CUSTOM_ADD_ONS)
    return StiggServer(Catalogue(_plans(), add_ons=add_ons), now=now, is_limited=is_limited)


def stigg_sections(server: StiggServer) -> dict[str, Any]:
    """The settings sections of a product that grants on it."""
    return {"entitlements": {"platform": "stigg"}, "stigg": {"base_url": server.base_url, "timeout": 5}}


def _plans() -> tuple[SoldPlan, ...]:
    return tuple(
        SoldPlan(
            ref=ref,
            product=ref.replace("plan-", "product-"),
            entitlements=tuple(_entitled(name) for name in (*plan["required"], *plan["optional"])),
            metadata={"countersign_optional": " ".join(plan["optional"])},
            add_ons=CUSTOM_ADD_ONS,
        )
        for ref, plan in CUSTOM_PLANS.items()
    )


def _entitled(ref: str) -> Entitled:
    return Entitled(ref, "CREDIT" if ref.startswith("cred-") else "FEATURE", is_custom=True)

"""What counts as signed: the rules of the policy, from facts alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from connector.domain.form_signatures import (
    ChangedAfter,
    Confirmation,
    Coverage,
    Envelope,
    Revocation,
    SignatureFound,
    SignedBy,
    SigningPolicy,
    judge,
)

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
GOOD = SignatureFound(
    "S1", signer="Jane", is_intact=True, is_valid=True, is_trusted=True, coverage=Coverage.FILE,
    changed_after=ChangedAfter.NOTHING, signed_at=AT,
)  # fmt: skip
UNKNOWN = replace(GOOD, field="S2", signer="Eve", is_trusted=False, trust_problem="Nobody knows it.")
BROKEN = replace(GOOD, field="S3", signer="Bob", is_intact=False)
DONE = Envelope("DocuSign", "e-1", AT, True)
SEEN = Confirmation("rosa", AT, "I saw the paper")


def test_a_good_signature_is_enough() -> None:
    verdict = judge(signatures=[GOOD], policy=SigningPolicy())

    assert (verdict.is_signed, verdict.by, verdict.signed_at) == (True, SignedBy.SIGNATURE, AT)
    assert "Jane" in verdict.reason


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"is_intact": False}, "changed after signing"),
        ({"is_valid": False}, "does not fit its certificate"),
        ({"coverage": Coverage.PART}, "only a part of the file"),
        ({"changed_after": ChangedAfter.CONTENT, "change": "a page"}, "changed after this signature"),
        ({"changed_after": ChangedAfter.FORM}, "changed after this signature"),
        ({"revocation": Revocation.REVOKED}, "revoked"),
        ({"problem": "odd."}, "cannot be checked"),
        ({"is_trusted": False, "trust_problem": "Nobody knows it."}, "Nobody knows it."),
    ],
)
def test_each_fault_keeps_a_signature_from_counting_and_is_told(change: dict[str, Any], told: str) -> None:
    verdict = judge(signatures=[replace(GOOD, **change)], policy=SigningPolicy())

    assert not verdict.is_signed
    assert told in verdict.reason


def test_one_broken_signature_spoils_the_document() -> None:
    verdict = judge(signatures=[GOOD, BROKEN], policy=SigningPolicy(), envelope=DONE)

    assert not verdict.is_signed
    assert "Bob" in verdict.reason


def test_a_person_may_still_confirm_what_machines_doubt() -> None:
    verdict = judge(signatures=[GOOD, BROKEN], policy=SigningPolicy(), confirmation=SEEN)

    assert (verdict.is_signed, verdict.by) == (True, SignedBy.CONFIRMATION)
    assert "rosa" in verdict.reason


def test_a_document_timestamp_alone_is_nobodys_signature() -> None:
    assert not judge(signatures=[replace(GOOD, is_timestamp=True)], policy=SigningPolicy()).is_signed


def test_a_provider_counts_with_its_certificate_of_completion_only() -> None:
    assert judge(signatures=[], policy=SigningPolicy(), envelope=DONE).by is SignedBy.PROVIDER
    assert judge(signatures=[UNKNOWN], policy=SigningPolicy(), envelope=DONE).by is SignedBy.PROVIDER
    for change in ({"has_certificate": False}, {"completed_at": None}):
        assert not judge(signatures=[], policy=SigningPolicy(), envelope=replace(DONE, **change)).is_signed  # type: ignore[arg-type]


def test_the_policy_switches_each_rule_off() -> None:
    assert not judge(signatures=[GOOD], policy=SigningPolicy(by_signature=False)).is_signed
    assert not judge(signatures=[], policy=SigningPolicy(by_provider=False), envelope=DONE).is_signed
    assert not judge(signatures=[], policy=SigningPolicy(by_confirmation=False), confirmation=SEEN).is_signed


def test_both_parties_can_be_asked_to_sign() -> None:
    policy = SigningPolicy(least_signatures=2)

    assert not judge(signatures=[GOOD], policy=policy).is_signed
    assert judge(signatures=[GOOD, replace(GOOD, field="S2", signer="Bob")], policy=policy).is_signed
    assert not judge(signatures=[GOOD, UNKNOWN], policy=policy).is_signed


def test_proof_against_revocation_can_be_asked_for() -> None:
    policy = SigningPolicy(needs_revocation=True)

    assert not judge(signatures=[GOOD], policy=policy).is_signed
    assert judge(signatures=[replace(GOOD, revocation=Revocation.GOOD)], policy=policy).is_signed

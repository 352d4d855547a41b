"""Digital signatures: what holds, what does not, and why not, made by a test authority."""

from __future__ import annotations

from datetime import timedelta

import pytest

from connector.domain.form_signatures import ChangedAfter, Coverage, Revocation, SignatureFound
from tests.order_forms import hostile
from tests.order_forms.authority import SIGNED_AT, YEAR, person, revocation_list, root, sign
from tests.order_forms.conftest import Check
from tests.order_forms.paper import STYLES, by_fpdf2

PLAIN = by_fpdf2(STYLES["us"])
OLD = person("Otto Old", "otto@aurora.example", since=SIGNED_AT - 2 * YEAR, until=SIGNED_AT - timedelta(days=1))


def _only(check: Check, content: bytes, **options: object) -> SignatureFound:
    (found,) = check(content, **options).signatures
    return found


def test_a_valid_signature_tells_who_signed_and_that_the_whole_file_is_covered(check: Check) -> None:
    found = _only(check, sign(PLAIN, is_stamped=True))

    assert (found.is_good, found.fault) == (True, "")
    assert (found.signer, found.email, found.organisation) == ("Jane Miller", "jane@aurora.example", "Test")
    assert found.issuer == "Test Root"
    assert (found.signed_at, found.is_time_proven) == (SIGNED_AT, True)
    assert (found.coverage, found.changed_after) == (Coverage.FILE, ChangedAfter.NOTHING)
    assert found.revocation is Revocation.NOT_GIVEN


def test_the_signers_own_clock_is_no_proof(check: Check) -> None:
    assert not _only(check, sign(PLAIN)).is_time_proven


def test_a_document_without_signature_has_none(check: Check) -> None:
    assert check(PLAIN).signatures == ()


def test_a_changed_byte_breaks_the_signature(check: Check) -> None:
    signed = bytearray(sign(PLAIN))
    place = signed.find(b"/MediaBox")
    signed[place + 12] = ord("9") if signed[place + 12] != ord("9") else ord("8")

    found = _only(check, bytes(signed))

    assert not found.is_good
    assert found.fault == "The signed part of the file was changed after signing."


def test_a_page_added_after_signing_is_noticed(check: Check) -> None:
    found = _only(check, hostile.page_added(sign(PLAIN)))

    assert not found.is_good
    assert (found.coverage, found.changed_after) == (Coverage.REVISION, ChangedAfter.CONTENT)
    assert found.is_intact


def test_a_form_field_filled_in_after_signing_is_noticed(check: Check) -> None:
    import io

    from pyhanko.pdf_utils import generic
    from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

    signed = sign(hostile.with_fields(PLAIN, [("po_number", "PO-1")]))
    writer = IncrementalPdfFileWriter(io.BytesIO(signed), strict=False)
    field = next(
        one.get_object() for one in writer.root["/AcroForm"]["/Fields"] if one.get_object().get("/T") == "po_number"
    )
    field["/V"] = generic.pdf_string("PO-2")
    writer.update_container(field)
    target = io.BytesIO()
    writer.write(target)

    found = _only(check, target.getvalue())

    assert found.changed_after in (ChangedAfter.FORM, ChangedAfter.CONTENT)
    assert not found.is_good


def test_a_second_signature_is_no_change(check: Check) -> None:
    twice = sign(sign(PLAIN), person("Bob Stone", "bob@countersign.example"), field="Seller")

    first, second = check(twice).signatures

    assert (first.is_good, second.is_good) == (True, True)
    assert (first.coverage, first.changed_after) == (Coverage.REVISION, ChangedAfter.SIGNATURES)
    assert (second.signer, second.coverage) == ("Bob Stone", Coverage.FILE)


def test_of_two_signatures_one_may_be_by_somebody_unknown(check: Check) -> None:
    twice = sign(sign(PLAIN), person("Eve", "eve@evil.example", authority="Other Root"), field="Second")

    first, second = check(twice).signatures

    assert (first.is_good, second.is_good) == (True, False)
    assert "no authority that we trust" in second.fault


def test_a_signature_over_a_part_of_the_file_is_none(check: Check) -> None:
    signed = sign(PLAIN)
    start = signed.find(b"/ByteRange")
    end = signed.find(b"]", start)
    numbers = [int(one) for one in signed[start:end].split(b"[")[1].split()]
    # The last stretch is cut short, so that the end of the file is not signed.
    text = b"/ByteRange [%d %d %d %d" % (*numbers[:3], numbers[3] - 40)
    part = signed[:start] + text.ljust(end - start) + signed[end:]

    found = _only(check, part)

    assert found.coverage is Coverage.PART
    assert not found.is_good


def test_a_certificate_of_an_unknown_authority_is_not_trusted(check: Check) -> None:
    found = _only(check, sign(PLAIN), roots=(root("Other Root").pem,))

    assert (found.is_intact, found.is_valid, found.is_trusted) == (True, True, False)
    assert "no authority that we trust" in found.fault


def test_without_any_root_nobody_is_trusted(check: Check) -> None:
    assert not _only(check, sign(PLAIN), roots=()).is_trusted


def test_an_expired_certificate_does_not_count(check: Check) -> None:
    found = _only(check, sign(PLAIN, OLD))

    assert not found.is_good
    assert "expired" in found.fault


@pytest.mark.parametrize(("is_stamped", "is_good"), [(True, True), (False, False)])
def test_a_timestamp_proves_that_a_certificate_was_valid_when_it_signed(
    check: Check, is_stamped: bool, is_good: bool
) -> None:
    found = _only(check, sign(PLAIN, is_stamped=is_stamped), now=SIGNED_AT + 3 * YEAR)

    assert found.is_good is is_good


def test_a_certificate_that_was_revoked_does_not_count(check: Check) -> None:
    thief = person("Tom Thief", "tom@aurora.example")
    found = _only(check, _with_proofs(sign(PLAIN, thief), revocation_list(thief)))

    assert found.revocation is Revocation.REVOKED
    assert found.fault == "Its certificate was revoked."


def test_a_list_without_the_certificate_proves_that_it_is_good(check: Check) -> None:
    found = _only(check, _with_proofs(sign(PLAIN), revocation_list()))

    assert (found.revocation, found.is_good) == (Revocation.GOOD, True)
    assert found.changed_after is ChangedAfter.UPKEEP


def _with_proofs(signed: bytes, revoked: bytes) -> bytes:
    """The document with a list of revoked certificates for its signatures."""
    import io

    from asn1crypto import crl
    from pyhanko.sign.validation.dss import DocumentSecurityStore

    target = io.BytesIO(signed)
    DocumentSecurityStore.add_dss(target, sig_contents=None, crls=[crl.CertificateList.load(revoked)])
    return target.getvalue()

"""Record ids: one record, one text."""

import pytest

from connector.domain.salesforce_ids import NotASalesforceId, id18
from connector.errors import Refused

KNOWN = ["00DV0000008s2SrMAI", "04k460000004DXEAA2", "04lV000000nKC8cIAG"]


@pytest.mark.parametrize("known", KNOWN)
def test_a_short_id_gets_the_three_letters_that_salesforce_gives_it(known: str) -> None:
    assert id18(known[:15]) == known


@pytest.mark.parametrize("known", KNOWN)
def test_a_long_id_that_lost_its_case_is_mended(known: str) -> None:
    assert id18(known.lower()) == known
    assert id18(known.upper()) == known
    assert id18(f" {known}\n") == known


def test_short_ids_that_differ_only_in_case_stay_different() -> None:
    assert id18("001000000000abc").lower() != id18("001000000000ABC").lower()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0Q0",
        "0Q0V0000000abcdK",
        "0Q0V0000000abcdKAAx",
        "0Q0V0000000abcd'; --",
        "0Q0V0000000abc'",
        "0Q0V0000000abcd999",
        "0Q0V0000000abcdÄÄÄ",
        "' OR Id != null",
        "0Q0V0000000abcdZZZ",
    ],
)
def test_what_is_no_record_id_is_refused(text: str) -> None:
    with pytest.raises(NotASalesforceId) as refusal:
        id18(text)

    assert isinstance(refusal.value, Refused | ValueError)
    assert refusal.value.fix


def test_a_refused_text_is_shown_only_in_part() -> None:
    with pytest.raises(NotASalesforceId) as refusal:
        id18("x" * 5000)

    assert len(str(refusal.value)) < 120

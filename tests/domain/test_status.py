"""The sentence that people read: what is wrong, what to do, who does it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from connector.domain.fulfilment import OrderState
from connector.domain.status import WORD_OF_STATE, StatusWord, sentence_of
from connector.errors import Fault

_TEXT = st.text(st.characters(categories=("L", "N", "P", "Zs")), min_size=1, max_size=30)
_FAULTS = st.builds(Fault, code=st.just("CODE"), message=_TEXT, fix=_TEXT, owner=_TEXT)


def test_one_fault_is_one_sentence_with_its_owner() -> None:
    fault = Fault("X", "The total differs.", "Correct it.", "sales rep")

    assert sentence_of((fault,)) == "The total differs. Correct it. Who: sales rep."


def test_several_faults_are_numbered_lines() -> None:
    faults = (Fault("X", "One.", "Do a.", "RevOps"), Fault("Y", "Two.", "", "operator"))

    assert sentence_of(faults) == "1. One. Do a. Who: RevOps.\n2. Two. Who: operator."


@given(st.lists(_FAULTS, min_size=1, max_size=5).map(tuple))
def test_nothing_of_any_fault_is_left_out(faults: tuple[Fault, ...]) -> None:
    said = sentence_of(faults)

    assert said.count("Who: ") >= len(faults)
    for fault in faults:
        assert fault.message.strip() in said
        assert fault.owner in said


def test_only_a_fulfilled_order_is_synced() -> None:
    assert [state for state, word in WORD_OF_STATE.items() if word is StatusWord.SYNCED] == [OrderState.FULFILLED]


def test_an_order_that_needs_a_person_or_another_deal_is_blocked_and_one_given_up_has_failed() -> None:
    blocked = {state for state, word in WORD_OF_STATE.items() if word is StatusWord.BLOCKED}

    assert blocked == {OrderState.BLOCKED, OrderState.WAITING}
    assert WORD_OF_STATE[OrderState.FAILED] is StatusWord.FAILED

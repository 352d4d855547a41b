"""Our words as fields of Salesforce: they fit, whatever they hold."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from connector.domain.status import CashStatus, Status, StatusWord
from mappings.writeback import status_fields

FIELDS = status_fields(objects=("Quote",), prefix="Sync_", renamed={}, money=("Quote",))
LONGEST = {"Sync_Error__c": 4000, "Sync_Steps__c": 4000, "Sync_Usage__c": 255, "Sync_Last_Invoice__c": 80}


@settings(max_examples=50, deadline=None)
@given(text=st.text(max_size=40), times=st.integers(0, 200))
def test_text_fits_its_field_and_holds_no_control_characters(text: str, times: int) -> None:
    cash = CashStatus(last_invoice=text * times, usage=text * times)
    status = Status(word=StatusWord.SYNCED, sentence=text * times, steps=text * times, code=text * times, cash=cash)

    shown = FIELDS("Quote", status)

    for name, longest in LONGEST.items():
        value = shown[name] or ""
        assert isinstance(value, str)
        assert len(value) <= longest
    for name in ("Sync_Error__c", "Sync_Steps__c", "Sync_Usage__c"):
        assert not any(character < " " and character not in "\n\t" for character in str(shown[name] or ""))


def test_a_text_that_is_cut_says_so() -> None:
    shown = FIELDS("Quote", Status(word=StatusWord.BLOCKED, sentence="x" * 5000))

    assert str(shown["Sync_Error__c"]).endswith("x…")

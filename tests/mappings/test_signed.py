"""What "signed" means: the rules, their test of a record, and their SOQL."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from simple_salesforce.format import format_soql

from connector.ports import Record
from mappings import MappingMisconfigured, MappingRefused
from mappings.signed import (
    DEFAULT_SIGNED,
    SignedRule,
    is_signed,
    is_signed_by_any,
    read_signed_rules,
    signed_condition,
    signed_record_id,
    signed_selection,
    soql_text,
)
from tests.mappings.making import make_record, mapping_of, model_mappings, raw_model_org

ACCEPTED = SignedRule(object="Quote", field="Status", values=("Accepted", "Signed & Sealed"))
WON = DEFAULT_SIGNED[1]


def record_of(name: str, **fields: Any) -> Record:
    record = make_record(name)
    return replace(record, fields={**record.fields, **fields})


class TestRecords:
    def test_a_record_with_one_of_the_values_is_signed(self) -> None:
        assert is_signed(record_of("Quote", Status="Accepted"), ACCEPTED) == (True, "Status is Accepted.")

    def test_capitals_do_not_matter_as_in_soql(self) -> None:
        assert is_signed(record_of("Quote", Status="signed & SEALED"), ACCEPTED)[0]

    @pytest.mark.parametrize(
        ("status", "reason"),
        [
            ("Draft", "Status is Draft, not Accepted or Signed & Sealed."),
            (None, "Status is empty, not Accepted or Signed & Sealed."),
            (True, "Status is true, not Accepted or Signed & Sealed."),
        ],
    )
    def test_any_other_value_is_not_signed_and_says_why(self, status: object, reason: str) -> None:
        assert is_signed(record_of("Quote", Status=status), ACCEPTED) == (False, reason)

    def test_checkboxes_are_compared_as_true_and_false(self) -> None:
        assert is_signed(record_of("Opportunity", IsWon=True), WON)[0]
        assert not is_signed(record_of("Opportunity", IsWon=False), WON)[0]

    def test_the_further_condition_must_hold_too(self) -> None:
        record = replace(record_of("Opportunity", IsWon=True), meets_where=False)

        signed, reason = is_signed(record, WON)

        assert not signed
        assert "does not meet the condition 'Id NOT IN (SELECT OpportunityId FROM Quote)'" in reason

    def test_a_condition_of_another_rule_does_not_count(self) -> None:
        record = replace(record_of("Quote", Status="Accepted"), meets_where=False)

        assert is_signed(record, ACCEPTED)[0]

    def test_a_field_that_was_not_answered_is_a_setting_to_mend_not_a_no(self) -> None:
        record = record_of("Quote")
        del record.fields["Status"]  # type: ignore[attr-defined]

        with pytest.raises(MappingMisconfigured, match="was not in Salesforce's answer"):
            is_signed(record, ACCEPTED)

    def test_a_field_of_a_parent_can_decide(self) -> None:
        rule = SignedRule(object="Quote", field="Opportunity.StageName", values=("Closed Won",))

        assert is_signed(record_of("Quote", Opportunity={"StageName": "Closed Won"}), rule)[0]
        assert not is_signed(record_of("Quote", Opportunity=None), rule)[0]

    def test_one_rule_of_several_is_enough(self) -> None:
        ordered = SignedRule(object="Quote", field="Ordered__c", values=(True,))
        record = record_of("Quote", Status="Draft", Ordered__c=True)

        assert is_signed_by_any(record, (ACCEPTED, ordered, WON)) == (True, "Ordered is true.")
        assert is_signed_by_any(record_of("Quote", Status="Draft"), (ACCEPTED,))[1].startswith("Status is Draft")
        assert is_signed_by_any(record, (WON,)) == (False, "No [[signed]] rule names Quote.")


class TestSyncedQuotes:
    OTHER = "0Q05g000001ZzZzCAK"

    def synced(self, synced_id: str | None, **state: Any) -> tuple[bool, str]:
        opportunity = {"SyncedQuoteId": synced_id, **state}
        return is_signed(record_of("Quote", Status="Accepted", Opportunity=opportunity), DEFAULT_SIGNED[0])

    def test_the_quote_that_the_opportunity_is_synced_with_counts(self) -> None:
        own = record_of("Quote").ref.record_id

        assert self.synced(own, SyncedQuote={"Status": "Accepted"}) == (True, "Status is Accepted.")
        assert self.synced(own[:15], SyncedQuote={"Status": "Accepted"})[0]

    def test_beside_another_signed_quote_that_is_synced_it_does_not_count(self) -> None:
        signed, reason = self.synced(self.OTHER, SyncedQuote={"Status": "ACCEPTED"})

        assert not signed
        assert reason == f"Status is Accepted, but the opportunity is synced with another signed quote, {self.OTHER}."

    def test_a_synced_quote_that_is_not_signed_takes_nothing_away(self) -> None:
        assert self.synced(self.OTHER, SyncedQuote={"Status": "Draft"})[0]

    def test_without_syncing_every_signed_quote_counts(self) -> None:
        assert self.synced(None, SyncedQuote=None)[0]
        assert is_signed(record_of("Quote", Opportunity=None), DEFAULT_SIGNED[0])[0]
        assert is_signed(record_of("Quote", Opportunity={}), DEFAULT_SIGNED[0])[0]

    def test_an_unknown_state_of_the_synced_quote_is_taken_for_signed(self) -> None:
        assert not self.synced(self.OTHER)[0]

    def test_a_rule_without_the_switch_does_not_ask(self) -> None:
        record = record_of("Quote", Status="Accepted", Opportunity={"SyncedQuoteId": self.OTHER})

        assert is_signed(record, ACCEPTED)[0]


class TestPointers:
    RULE = SignedRule(
        object="dfsle__EnvelopeStatus__c",
        field="dfsle__Status__c",
        values=("Completed",),
        record_field="dfsle__SourceId__c",
    )

    def test_an_envelope_points_to_the_record_that_was_signed(self) -> None:
        record = record_of("Quote", dfsle__SourceId__c="0Q05g000001AbCd")

        assert signed_record_id(record, self.RULE) == "0Q05g000001AbCdCAK"
        assert signed_record_id(record, ACCEPTED) == record.ref.record_id

    @pytest.mark.parametrize("pointer", [None, "", "the quote", 7, {}])
    def test_an_envelope_that_points_nowhere_is_refused(self, pointer: object) -> None:
        with pytest.raises(MappingRefused, match="names no record") as caught:
            signed_record_id(record_of("Quote", dfsle__SourceId__c=pointer), self.RULE)

        assert caught.value.faults[0].field == "dfsle__SourceId__c"

    def test_an_envelope_is_read_with_its_two_fields(self) -> None:
        selection = signed_selection(self.RULE)

        assert selection.fields == ("Id", "dfsle__SourceId__c", "dfsle__Status__c")
        assert selection.line_object == ""


class TestSoql:
    def test_one_value_is_compared_and_several_are_listed(self) -> None:
        assert signed_condition(DEFAULT_SIGNED[0]) == "Status = 'Accepted'"
        assert signed_condition(ACCEPTED) == "Status IN ('Accepted', 'Signed & Sealed')"

    def test_checkboxes_and_numbers_are_not_quoted(self) -> None:
        assert signed_condition(SignedRule(object="X__c", field="Done__c", values=(True,))) == "Done__c = true"
        assert signed_condition(SignedRule(object="X__c", field="Done__c", values=("False",))) == "Done__c = false"
        assert signed_condition(SignedRule(object="X__c", field="Step__c", values=(3, 4))) == "Step__c IN (3, 4)"

    def test_the_further_condition_stands_in_brackets(self) -> None:
        assert signed_condition(WON) == "IsWon = true AND (Id NOT IN (SELECT OpportunityId FROM Quote))"

    @pytest.mark.parametrize(
        ("text", "quoted"),
        [
            ("Accepted", "'Accepted'"),
            ("Client's ok", r"'Client\'s ok'"),
            ("a\\b", r"'a\\b'"),
            ("' OR Id != '", r"'\' OR Id != \''"),
            ("\\'", r"'\\\''"),
            ('say "yes"', r"'say \"yes\"'"),
            ("two\nlines\r\n\tand a tab", r"'two\nlines\r\n\tand a tab'"),
            ("Angebot genehmigt – ja", "'Angebot genehmigt – ja'"),
        ],
    )
    def test_text_cannot_leave_its_quotes(self, text: str, quoted: str) -> None:
        assert soql_text(text) == quoted

    @given(st.text(alphabet=st.characters(min_codepoint=32, exclude_categories=("Cs",))))
    def test_quoting_agrees_with_the_salesforce_client(self, text: str) -> None:
        assert soql_text(text) == format_soql("{}", text)

    def test_characters_that_soql_cannot_write_are_refused(self) -> None:
        with pytest.raises(ValueError, match="cannot hold"):
            soql_text("a\x00b")


class TestSettings:
    def test_without_rules_accepted_quotes_and_won_opportunities_count(self) -> None:
        assert read_signed_rules(None) == DEFAULT_SIGNED == read_signed_rules([])

    def test_the_example_file_names_three_objects(self) -> None:
        rules = read_signed_rules(raw_model_org()["signed"])

        assert [(rule.object, signed_condition(rule)) for rule in rules] == [
            ("Quote", "Status = 'Accepted'"),
            ("Opportunity", "IsWon = true AND (Id NOT IN (SELECT OpportunityId FROM Quote))"),
            ("Order", "StatusCode = 'Activated'"),
        ]

    def test_every_mistake_is_named_with_its_place(self) -> None:
        with pytest.raises(MappingMisconfigured) as caught:
            read_signed_rules(
                [
                    {"object": "Quote", "field": "Status", "values": []},
                    {"object": "Quote", "field": "Sta tus", "values": ["x"], "fires": "once"},
                    {"object": "Order", "field": "Status", "values": [True, "x"], "fire": "twice"},
                    {"object": "Order", "field": "Status", "values": [True, "x"]},
                    {"field": "Status", "values": "Accepted", "where": "a\x00"},
                    "Quote",
                    {"object": "Order", "field": "Status", "values": ["x"], "synced_only": True},
                    {"object": "Case", "field": "Status", "values": ["x"], "where": "A = 1"},
                    {"object": "Case", "field": "Status", "values": ["y"], "where": "B = 1"},
                ]
            )

        assert [fault.field for fault in caught.value.faults] == [
            "signed[1].values", "signed[2].field", "signed[2].fires", "signed[3].fire", "signed[4]",
            "signed[5].object", "signed[5].values", "signed[5].where", "signed[6]", "signed[7]", "signed",
        ]  # fmt: skip
        assert all(fault.message and fault.fix for fault in caught.value.faults)

    def test_the_fields_and_the_condition_of_a_rule_are_fetched_with_the_record(self) -> None:
        selections = {name: mapping.selection for name, mapping in model_mappings().items()}

        assert "Status" in selections["Quote"].fields
        assert "Opportunity.SyncedQuote.Status" in selections["Quote"].fields
        assert "StatusCode" in selections["Order"].fields
        assert selections["Opportunity"].where == "Id NOT IN (SELECT OpportunityId FROM Quote)"
        assert selections["Quote"].where == ""
        assert "IsWon" in mapping_of("Opportunity").selection.fields

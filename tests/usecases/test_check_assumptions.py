"""What is taken for granted outside is proved over a served sandbox; each gap is named with the step that mends it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from connector.adapters.clock import FixedClock
from connector.bootstrap import make_services, migrate_all
from connector.config import parse_config
from connector.domain.assumptions import Finding, FindingState
from connector.errors import Misconfigured
from connector.sandbox import Sandbox
from connector.services import Services
from connector.store.unit_of_work import Database
from connector.usecases.check_assumptions import check_assumptions, check_mapping
from tests.selling import PLATFORM, Seller
from tests.settings import ENVIRONMENT, raw_settings

GOOD, BAD, UNKNOWN = FindingState.GOOD, FindingState.BAD, FindingState.UNKNOWN
MAIL = {"transport": "smtp", "host": "mail.example.com", "sender": "billing@example.com"}
SECRET = "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0"


@pytest.fixture
def sandbox(clock: FixedClock) -> Iterator[Sandbox]:
    with Sandbox(now=clock.now(), auto_push=False) as running:
        Seller(running)
        yield running


class Check:
    """Settings over the sandbox that a test may change, and the findings they lead to."""

    def __init__(self, sandbox: Sandbox, folder: Path, clock: FixedClock) -> None:
        self.sandbox, self.clock = sandbox, clock
        self.raw = raw_settings(sandbox=sandbox, database_url=f"sqlite:///{folder / 'countersign.db'}", mail=MAIL)
        self.environment = dict(ENVIRONMENT)
        self.is_migrated = True

    def services(self) -> Services:
        services = make_services(parse_config(raw=self.raw, environment=self.environment), clock=self.clock)
        if self.is_migrated:
            migrate_all(services)
        return services

    def all(self, **changes: Any) -> tuple[Finding, ...]:
        services = self.services()
        needed = {name: getattr(services, name) for name in ("orgs", "platform", "database", "clock", "assumed")}
        found = check_assumptions(**(needed | changes))
        for org in services.orgs.values():
            org.gateway.close()  # type: ignore[attr-defined]
        services.database.dispose()
        return found

    def bad(self) -> list[Finding]:
        # Mail of these settings goes into a folder, which is told and is no concern here.
        return [one for one in self.all() if one.state is not GOOD and not one.message.startswith("Mail goes")]

    def only(self) -> Finding:
        found = self.bad()
        assert len(found) == 1, found
        return found[0]


@pytest.fixture
def check(sandbox: Sandbox, tmp_path: Path, clock: FixedClock) -> Check:
    return Check(sandbox, tmp_path, clock)


def test_a_whole_product_over_a_complete_org_has_nothing_bad(check: Check) -> None:
    found = check.all()

    assert {finding.state for finding in found} == {GOOD}
    said = " ".join(finding.message for finding in found)
    for words in ("at revision", "read back", "logged in", "as configured", "differ by 0 s", "API calls", "14 status"):
        assert words in said


def test_mail_that_goes_into_a_folder_is_something_to_look_at(check: Check) -> None:
    check.raw["mail"] = {"folder": "var/mail"}

    (finding,) = (finding for finding in check.all() if finding.state is not GOOD)

    assert (finding.state, finding.message) == (
        FindingState.UNKNOWN,
        "Mail goes into the folder var/mail: no customer gets any.",
    )


def test_nothing_is_ever_written_to_salesforce(check: Check) -> None:
    before = len(check.sandbox.calls.writes)

    check.all()

    assert len(check.sandbox.calls.writes) == before
    assert not [call for call in check.sandbox.calls.log if call.method in ("PATCH", "DELETE", "PUT")]


def test_no_finding_repeats_a_secret(check: Check) -> None:
    check.environment["COUNTERSIGN_SALESFORCE_CLIENT_SECRET"] = "wrong-secret-word"
    check.environment["COUNTERSIGN_SESSION_SECRET"] = "short-word"
    check.environment["COUNTERSIGN_SALESFORCE_PUSH_TOKENS"] = "tiny-token"
    check.environment["COUNTERSIGN_SALESFORCE_EVENT_SECRETS"] = "whsec_not!base64,whsec_c2hvcnQ="

    said = repr(check.bad())

    for word in ("wrong-secret-word", "short-word", "tiny-token", "not!base64", "c2hvcnQ="):
        assert word not in said


def test_progress_is_told_for_every_step(check: Check) -> None:
    steps: list[tuple[int, int, str]] = []

    check.all(on_progress=lambda done, number, area: steps.append((done, number, area)))

    assert [done for done, _number, _area in steps] == list(range(steps[0][1] + 1))
    assert steps[0][2] == "database"


# The database.


def test_a_database_without_tables_is_bad_and_says_what_to_run(check: Check) -> None:
    check.is_migrated = False

    found = check.bad()[0]

    assert (found.area, found.state) == ("database", BAD)
    assert "countersign migrate" in found.fix


def test_a_database_that_does_not_answer_is_bad(check: Check, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()

    found = check.all(database=Database(f"sqlite:///{tmp_path / 'folder'}"))

    assert "does not answer" in found[0].message


def test_a_database_that_keeps_nothing_is_bad(check: Check) -> None:
    database = check.services().database
    with database.unit_of_work() as work:
        work.connection.exec_driver_sql("CREATE TRIGGER no BEFORE INSERT ON watermarks BEGIN SELECT RAISE(IGNORE); END")
        work.commit()

    found = check.all(database=database)

    assert [one.message for one in found if one.state is BAD] == ["What is written cannot be read back."]
    database.dispose()


# The settings.


@pytest.mark.parametrize(
    ("variable", "value", "says"),
    [
        ("SESSION_SECRET", "", "not set"),
        ("SESSION_SECRET", "x" * 31, "31 characters"),
        ("SALESFORCE_PUSH_TOKENS", "", "only the sweep"),
        ("SALESFORCE_PUSH_TOKENS", f"{'x' * 32}, {'y' * 31}", "Token 2 has 31"),
        ("SALESFORCE_EVENT_SECRETS", f"whsec_{SECRET},whsec_!", "Secret 2 is not base64"),
        ("SALESFORCE_EVENT_SECRETS", "whsec_c2hvcnQ=", "5 bytes"),
    ],
)
def test_a_weak_or_missing_secret_is_named(check: Check, variable: str, value: str, says: str) -> None:
    check.environment[f"COUNTERSIGN_{variable}"] = value

    found = check.only()

    assert found.message.startswith(f"COUNTERSIGN_{variable}: ")
    assert says in found.message
    assert f"COUNTERSIGN_{variable}" in found.fix


def test_good_event_secrets_may_stand_alone(check: Check) -> None:
    check.environment["COUNTERSIGN_SALESFORCE_PUSH_TOKENS"] = ""
    check.environment["COUNTERSIGN_SALESFORCE_EVENT_SECRETS"] = f"whsec_{SECRET}, {SECRET}"

    assert check.bad() == []


def test_pages_without_encryption_are_bad_except_on_this_machine(check: Check) -> None:
    check.raw["web"] = {"base_url": "http://billing.example.com"}

    assert "without encryption" in check.only().message


# The login and the org.


def test_a_refused_login_is_the_one_thing_told_of_an_org(check: Check) -> None:
    check.environment["COUNTERSIGN_SALESFORCE_CLIENT_SECRET"] = "wrong"

    bad, unknown = check.bad()

    assert (bad.state, bad.owner) == (BAD, "salesforce_admin")
    assert "client secret is wrong" in bad.message
    assert unknown.state is UNKNOWN


def test_an_org_that_does_not_answer_is_bad(check: Check) -> None:
    check.raw["salesforce"]["instance_url"] = "http://127.0.0.1:9"

    assert [finding.state for finding in check.bad()] == [BAD, UNKNOWN]


def test_another_org_than_configured_is_bad(check: Check) -> None:
    check.raw["salesforce"]["org_id"] = "00DV0000008s2SrMAI"

    found = check.only()

    assert "not 00DV0000008s2SrMAI as configured" in found.message


def test_a_production_org_is_told_as_one(tmp_path: Path, clock: FixedClock) -> None:
    with Sandbox(now=clock.now(), auto_push=False, is_sandbox_org=False) as production:
        found = Check(production, tmp_path, clock).all()

    assert any("a production org" in finding.message for finding in found)


@pytest.mark.parametrize(("seconds", "word"), [(121, "behind"), (-121, "ahead of")])
def test_a_clock_more_than_two_minutes_off_is_bad(check: Check, seconds: int, word: str) -> None:
    check.sandbox.clock.advance(seconds=seconds)

    found = check.only()

    assert f"121 s {word}" in found.message


def test_a_clock_two_minutes_off_is_good(check: Check) -> None:
    check.sandbox.clock.advance(seconds=120)

    assert check.bad() == []


@pytest.mark.parametrize(("used", "says"), [(8500, "sweeps wait"), (9600, "only write-backs and pushes go on")])
def test_calls_that_run_short_are_bad(check: Check, used: int, says: str) -> None:
    check.sandbox.org.daily_limit = 10_000
    check.sandbox.calls.total = used

    assert says in check.only().message


# Objects and fields.


def test_a_hidden_object_is_named_with_its_click_path(check: Check) -> None:
    check.sandbox.schema.hide("QuoteLineItem")

    found = check.only()

    assert "The object QuoteLineItem" in found.message
    assert "Object Settings > QuoteLineItem > Object Permissions > Read" in found.fix


def test_a_hidden_field_is_named_with_its_click_path(check: Check) -> None:
    check.sandbox.schema.hide("Quote", "Contract_Start__c")

    found = check.only()

    assert "The field Quote.Contract_Start__c is misspelt in the settings, or hidden" in found.message
    assert "Permission Sets" in found.fix
    assert "Object Settings > Quote > Field Permissions > Contract_Start__c > Read Access" in found.fix
    assert found.owner == "salesforce_admin"


def test_a_hidden_field_of_a_parent_is_told_for_the_parent(check: Check) -> None:
    check.sandbox.schema.hide("Account", "Billing_Email__c")

    found = check.bad()

    assert {finding.message.partition(",")[0] for finding in found} == {"The field Account.Billing_Email__c"}
    assert all("Object Settings > Account >" in finding.fix for finding in found)


def test_a_hidden_lookup_hides_the_relationship(check: Check) -> None:
    check.sandbox.schema.hide("QuoteLineItem", "Product2Id")

    messages = [finding.message for finding in check.bad()]

    assert [message for message in messages if "The relationship QuoteLineItem.Product2" in message]


def test_a_misspelt_path_is_found(check: Check) -> None:
    check.raw["mapping"]["objects"]["Quote"]["header"] = {"po_number": "Opportunity.Acount.PO__c"}

    found = check.only()

    assert "The relationship Opportunity.Acount, on the way Quote.Opportunity.Acount.PO__c," in found.message


def test_a_field_that_the_org_need_not_have_may_be_absent(check: Check) -> None:
    check.raw["mapping"]["objects"]["Quote"]["header"] = {"po_number": {"path": "No__c", "may_be_absent": True}}

    assert check.bad() == []


def test_an_org_of_one_currency_is_told_what_to_write(tmp_path: Path, clock: FixedClock) -> None:
    with Sandbox(now=clock.now(), auto_push=False, multicurrency=False) as single:
        check = Check(single, tmp_path, clock)
        before = check.bad()
        check.raw["mapping"]["defaults"]["header"]["currency"] = {"constant": "USD"}
        after = check.bad()

    assert before
    assert all('currency = { constant = "USD" }' in finding.fix for finding in before)
    assert after == []


def test_a_field_of_a_type_that_cannot_be_read_is_bad(check: Check) -> None:
    check.raw["mapping"]["objects"]["Quote"]["header"] = {"starts_on": "Credit_Unused__c", "amends_ref": "GrandTotal"}

    messages = {finding.message for finding in check.bad()}

    assert messages == {
        "Quote.Credit_Unused__c has the type boolean, which cannot be read as start date.",
        "Quote.GrandTotal has the type currency, which cannot be read as id of the amended record.",
    }


def test_picklist_values_that_the_mapping_cannot_read_are_to_be_looked_at(check: Check) -> None:
    rule = {"path": "Billing_Frequency__c", "values": {"Monthly": 1, "Annual": 12}}
    check.raw["mapping"]["objects"]["Quote"]["header"] = {"billing_period_months": rule}

    found = check.only()

    assert found.state is UNKNOWN
    assert '"Quarterly", "Semiannual" or "Upfront"' in found.message


def test_a_picklist_of_which_nothing_can_be_read_is_bad(check: Check) -> None:
    check.raw["mapping"]["objects"]["Quote"]["header"] = {"deal_type": "Billing_Frequency__c"}

    assert check.only().message.startswith("No value of Quote.Billing_Frequency__c can be read as deal type")


# What signed means.


def test_a_signed_value_that_the_picklist_lacks_is_bad(check: Check) -> None:
    check.raw["signed"][0]["values"] = ["Acepted"]

    found = check.only()

    assert 'Quote.Status never has the value "Acepted": it has "Draft"' in found.message


def test_a_checkbox_is_never_a_word(check: Check) -> None:
    check.raw["signed"][1]["values"] = ["yes"]

    assert 'Opportunity.IsWon never has the value "yes": it has "true" and "false".' in check.only().message


def test_a_signed_field_that_is_hidden_is_bad(check: Check) -> None:
    check.sandbox.schema.hide("Quote", "Status")

    messages = [finding.message for finding in check.bad()]

    assert messages
    assert all("Quote.Status" in message for message in messages)


def test_the_question_of_the_sweep_is_asked_for_real(check: Check) -> None:
    sold = Seller(check.sandbox).quote(PLATFORM)
    said = " ".join(finding.message for finding in check.all())

    assert "Signed records of Quote can be searched for; one was read." in said
    assert "Signed records of Order can be searched for; there is none of the last 30 days." in said
    assert sold.object == "Quote"


def test_a_further_condition_that_salesforce_cannot_read_is_bad(check: Check) -> None:
    check.raw["signed"][0]["where"] = "Nowhere__c = 'x'"

    found = check.only()

    assert found.state is BAD
    assert "Nowhere__c" in found.message + found.fix


# Write-back.


def test_a_status_field_that_is_missing_or_locked_is_named_with_its_click_path(check: Check) -> None:
    check.sandbox.schema.hide("Quote", "Sync_Error__c")
    check.sandbox.schema.freeze("Order", "Sync_Status__c")

    missing, locked = check.bad()

    assert "Quote.Sync_Error__c, which shows our status, does not exist or is hidden" in missing.message
    assert locked.message == "Order.Sync_Status__c is visible, but we may not edit it."
    assert "Order > Field Permissions > Sync_Status__c > Edit Access" in locked.fix


def test_a_status_field_of_the_wrong_type_or_length_is_bad(check: Check) -> None:
    check.raw["writeback"] = {
        "fields": {"Error": "Sync_Error_Code__c", "Attempts": "PO_Number__c", "Status": "Deal_Type__c"}
    }

    messages = " ".join(finding.message for finding in check.bad())

    assert "Quote.Sync_Error_Code__c holds 80 characters, 4000 are needed." in messages
    assert "Quote.PO_Number__c has the type string, not currency or double" in messages
    assert 'The picklist Quote.Deal_Type__c lacks "Pending"' in messages


def test_fields_that_are_switched_off_are_not_looked_for(check: Check) -> None:
    check.sandbox.schema.hide("Quote", "Sync_Source_Hash__c")
    check.raw["writeback"] = {"fields": {"Source_Hash": ""}}

    assert check.bad() == []


# Plans.


def test_a_plan_that_a_product_of_the_settings_names_must_be_known(check: Check) -> None:
    check.raw["mapping"]["products"] = {"GOLD": {"kind": "plan", "ref": "plan-gold"}}

    found = check.only()

    assert (
        found.message == "mapping.products.GOLD gives the plan plan-gold, which the entitlement platform does not know."
    )
    assert found.owner == "RevOps"


def test_a_plan_that_a_product_in_salesforce_names_must_be_known_and_published(check: Check) -> None:
    plan = {"Stigg_Type__c": "Plan", "IsActive": True}
    check.sandbox.insert("Product2", plan | {"Name": "Gold", "Stigg_ID__c": "plan-gold"})
    check.sandbox.insert("Product2", plan | {"Name": "Retired", "Stigg_ID__c": "plan-old", "IsActive": False})
    check.sandbox.insert("Product2", plan | {"Name": "Seat", "Stigg_ID__c": "x", "Stigg_Type__c": "Entitlement"})
    plans = check.raw["entitlements"]["plans"]
    check.raw["entitlements"] = {"plans": [*(p for p in plans if p["ref"] != "plan-team")]}
    check.raw["entitlements"]["plans"].append({"ref": "plan-team", "product": "p", "published": False})

    messages = {finding.message for finding in check.bad()}

    assert messages == {
        "The product 'Gold' gives the plan plan-gold, which the entitlement platform does not know.",
        "The product 'Halyard Team' gives the plan plan-team, which the entitlement platform has not published.",
    }


# A bad day of the org.


def test_an_org_that_fails_half_way_is_told_and_the_rest_goes_on(check: Check) -> None:
    check.sandbox.inject_fault("unavailable_html", method="GET", path="*/Order/describe", times=None)

    found = check.all()

    assert [one for one in found if one.state is BAD and "Order" in one.message]
    assert [one for one in found if one.state is GOOD and "of Quote are visible" in one.message]


def test_two_orgs_are_both_looked_at(check: Check, clock: FixedClock) -> None:
    with Sandbox(now=clock.now(), auto_push=False, client_secret="other-secret") as second:
        second.schema.hide("Quote", "Deal_Type__c")
        org = {"name": "second", "instance_url": second.base_url, "client_id": "sandbox-consumer-key"}
        # Both stand-ins have the same id, which two real orgs never have.
        check.raw["salesforce"] = [check.raw["salesforce"], org | {"org_id": "00DV0000008s2SrMAI"}]
        check.environment["COUNTERSIGN_SALESFORCE_SECOND_CLIENT_SECRET"] = "other-secret"
        check.environment["COUNTERSIGN_SALESFORCE_SECOND_PUSH_TOKENS"] = "x" * 32
        found = check.bad()

    assert {finding.area for finding in found} == {"salesforce second"}
    assert any("Quote.Deal_Type__c" in finding.message for finding in found)


def test_the_mapping_alone_can_be_judged_without_an_org(check: Check) -> None:
    check.raw["mapping"]["products"] = {"GOLD": {"kind": "plan", "ref": "plan-gold"}}
    services = check.services()

    found = check_mapping(orgs={}, platform=services.platform, assumed=services.assumed)

    assert [finding.state for finding in found] == [BAD]
    services.database.dispose()


def test_a_later_clock_of_ours_needs_no_second_login(check: Check) -> None:
    services = check.services()
    assumed = replace(services.assumed, base_url="https://billing.example.com")
    needed = {"orgs": services.orgs, "platform": services.platform, "database": services.database}
    check_assumptions(**needed, clock=services.clock, assumed=assumed)  # type: ignore[arg-type]
    logins = check.sandbox.sessions.logins
    check.clock.advance(timedelta(minutes=1))

    check_assumptions(**needed, clock=services.clock, assumed=assumed)  # type: ignore[arg-type]

    assert check.sandbox.sessions.logins == logins
    services.database.dispose()


class _Refusing:
    def prove(self) -> Iterator[Finding]:
        raise Misconfigured("DocuSign refused the login: consent_required.", code="DOCUSIGN_LOGIN", fix="Give consent.")
        yield


def test_an_e_signature_account_that_does_not_let_us_in_is_found(check: Check) -> None:
    found = check.all(signing={"docusign": _Refusing()})

    assert [one for one in found if one.area == "docusign"] == [
        Finding("docusign", BAD, "DocuSign refused the login: consent_required.", "Give consent.", "operator")
    ]


def test_the_reporting_object_of_an_e_signature_package_must_be_there_with_its_fields(
    tmp_path: Path, clock: FixedClock
) -> None:
    rule = {
        "object": "dfsle__EnvelopeStatus__c", "field": "dfsle__Status__c", "values": ["Completed"],
        "record_field": "dfsle__SourceId__c",
    }  # fmt: skip
    with Sandbox(now=clock.now(), auto_push=False, packages=["docusign"]) as sandbox:
        Seller(sandbox)
        check = Check(sandbox, tmp_path, clock)
        check.raw["signed"] = [*check.raw["signed"], rule]
        assert check.bad() == []
        sandbox.schema.hide("dfsle__EnvelopeStatus__c", "dfsle__SourceId__c")
        assert "dfsle__EnvelopeStatus__c.dfsle__SourceId__c" in check.only().message


def test_a_reporting_object_that_the_org_does_not_have_is_found(check: Check) -> None:
    rule = {
        "object": "dfsle__EnvelopeStatus__c", "field": "dfsle__Status__c", "values": ["Completed"],
        "record_field": "dfsle__SourceId__c",
    }  # fmt: skip
    check.raw["signed"] = [*check.raw["signed"], rule]

    assert any("dfsle__EnvelopeStatus__c" in finding.message for finding in check.bad())

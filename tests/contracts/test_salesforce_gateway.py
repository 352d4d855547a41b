"""The Salesforce gateway against the sandbox, over real HTTP on this machine: the port's promises, also on bad days."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from connector.adapters.clock import FixedClock, SystemClock
from connector.adapters.http import HttpSettings
from connector.adapters.salesforce import SimpleSalesforceGateway
from connector.adapters.salesforce_auth import SalesforceLogin
from connector.adapters.salesforce_auth_faults import AuthenticationFailed
from connector.errors import Misconfigured, RateLimited, Unavailable, Uncertain
from connector.ports import RecordSelection, RecordWrite, SalesforceGateway
from connector.sandbox.sandbox import CLIENT_ID, CLIENT_SECRET, USERNAME, Sandbox

SELECTION = RecordSelection(
    object="Quote",
    fields=("Name", "QuoteNumber", "Status", "Account.Name", "Account.Owner.Email", "CurrencyIsoCode", "GrandTotal"),
    line_object="QuoteLineItem",
    line_parent_field="QuoteId",
    line_fields=("Quantity", "UnitPrice", "TotalPrice", "Unit_Price_Exact__c", "Product2.ProductCode"),
    line_order=("SortOrder",),
    where="Status = 'Accepted' AND Account.Name != null",
)
WRITES = "*/composite/sobjects"


class Deals:
    """Makes accounts, products and quotes in a sandbox."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self.account = sandbox.insert("Account", {"Name": "Bäckerei O'Brien \\ Söhne", "OwnerId": sandbox.rep_id})
        self._book = sandbox.insert("Pricebook2", {"Name": "Standard", "IsActive": True})
        self._entries = [self._entry(f"P-{number}") for number in range(3)]
        self._opportunity = sandbox.insert(
            "Opportunity",
            {"Name": "Deal", "AccountId": self.account, "StageName": "Prospecting", "CloseDate": "2026-03-31"},
        )

    def quote(self, *, status: str = "Accepted", lines: int = 3) -> str:
        """A quote with lines; its id."""
        values = {"Name": "Offer", "OpportunityId": self._opportunity, "Pricebook2Id": self._book}
        quote = self._sandbox.insert("Quote", values)
        for number in range(lines):
            self._sandbox.insert("QuoteLineItem", {"QuoteId": quote, "SortOrder": number + 1} | self._line(number))
        self._sandbox.update("Quote", quote, {"Status": status})
        return quote

    def _line(self, number: int) -> dict[str, object]:
        entry = self._entries[number % len(self._entries)]
        return {
            "PricebookEntryId": entry,
            "Quantity": number + 1,
            "UnitPrice": Decimal("19.99"),
            "Unit_Price_Exact__c": Decimal("1234567890.12345678"),
        }

    def _entry(self, code: str) -> str:
        product = self._sandbox.insert("Product2", {"Name": code, "ProductCode": code, "IsActive": True})
        values = {"Pricebook2Id": self._book, "Product2Id": product, "UnitPrice": 20, "IsActive": True}
        return self._sandbox.insert("PricebookEntry", values)


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """An org that serves on this machine."""
    with Sandbox(auto_push=False) as running:
        yield running


@pytest.fixture
def deals(sandbox: Sandbox) -> Deals:
    """Records to sell with."""
    return Deals(sandbox)


@pytest.fixture
def gateway(sandbox: Sandbox) -> Iterator[SimpleSalesforceGateway]:
    """The real gateway, logged in by client credentials; it takes no naps."""
    login = SalesforceLogin(
        instance_url=sandbox.base_url, auth="client_credentials", client_id=CLIENT_ID, client_secret=CLIENT_SECRET
    )
    made = SimpleSalesforceGateway(
        login=login, clock=SystemClock(), http=HttpSettings(2, 10), sleep=lambda _seconds: None
    )
    yield made
    made.close()


def synced(record_id: str, **changes: object) -> RecordWrite:
    fields = {"Sync_Status__c": "Synced", "Sync_Error__c": None, "Sync_Last_Success__c": "2026-03-02T09:30:00Z"}
    return RecordWrite("Quote", record_id, fields | changes)  # type: ignore[arg-type]


def test_the_gateway_is_one_of_the_ports_kind(gateway: SimpleSalesforceGateway) -> None:
    port: SalesforceGateway = gateway

    assert port.usage().calls == 0


def test_a_quote_comes_with_account_and_lines_in_one_call(
    sandbox: Sandbox, deals: Deals, gateway: SimpleSalesforceGateway
) -> None:
    signed, open_ = deals.quote(), deals.quote(status="Draft", lines=1)
    sandbox.calls.reset()

    first, second = gateway.fetch(selection=SELECTION, record_ids=[signed[:15], open_])

    assert sandbox.calls.total == 1
    assert (first.ref.org_id, first.ref.object, first.ref.record_id) == (sandbox.org_id, "Quote", signed)
    assert first.fields["Account"]["Name"] == "Bäckerei O'Brien \\ Söhne"
    assert first.fields["Account"]["Owner"]["Email"] == sandbox.get("User", sandbox.rep_id)["Email"]
    assert first.fields["CurrencyIsoCode"] == "USD"
    assert [line["Product2"]["ProductCode"] for line in first.lines] == ["P-0", "P-1", "P-2"]
    assert first.lines[0]["Unit_Price_Exact__c"] == Decimal("1234567890.12345678")
    assert sum(line["TotalPrice"] for line in first.lines) == first.fields["GrandTotal"] == Decimal("119.94")
    assert (first.meets_where, second.meets_where) == (True, False)
    assert len(second.lines) == 1
    assert abs(first.read_at - sandbox.clock.now()) < timedelta(seconds=5)


def test_deleted_and_unknown_records_are_left_out(
    sandbox: Sandbox, deals: Deals, gateway: SimpleSalesforceGateway
) -> None:
    kept, gone = deals.quote(), deals.quote()
    sandbox.delete("Quote", gone)

    records = gateway.fetch(selection=SELECTION, record_ids=[gone, deals.account, kept])

    assert [record.ref.record_id for record in records] == [kept]


def test_more_lines_than_a_page_come_whole(sandbox: Sandbox, deals: Deals, gateway: SimpleSalesforceGateway) -> None:
    quote = deals.quote(lines=0)
    for number in range(2001):
        sandbox.insert("QuoteLineItem", {"QuoteId": quote, "SortOrder": number} | deals._line(0))
    sandbox.calls.reset()

    (record,) = gateway.fetch(selection=SELECTION, record_ids=[quote])

    assert len(record.lines) == 2001
    assert sandbox.calls.total == 2


def test_a_sweep_finds_signed_records_between_two_instants_oldest_first(
    sandbox: Sandbox, deals: Deals, gateway: SimpleSalesforceGateway
) -> None:
    start = sandbox.clock.now().replace(microsecond=0)
    sandbox.clock.set(start)
    early = deals.quote()
    sandbox.clock.advance(minutes=1)
    late, _open = deals.quote(), deals.quote(status="Draft")
    sandbox.clock.advance(minutes=1)
    deals.quote()

    def sweep(limit: int) -> list[str]:
        until = start + timedelta(minutes=2)
        condition = "Status IN ('Accepted')"
        found = gateway.fetch_signed(object_name="Quote", condition=condition, since=start, until=until, limit=limit)
        return [stamp.record_id for stamp in found]

    assert sweep(10) == [early, late]
    assert sweep(1) == [early]
    assert gateway.server_now() == pytest.approx(start + timedelta(minutes=2), abs=timedelta(seconds=5))


def test_fields_are_written_exactly_and_refused_one_by_one(
    sandbox: Sandbox, deals: Deals, gateway: SimpleSalesforceGateway
) -> None:
    first, second = deals.quote(), deals.quote()
    value = Decimal("123456789012345.123")

    written, refused = gateway.write(
        writes=[synced(first, Sync_Contract_Value__c=value), synced(second, Sync_Status__c="No Such Status")]
    )

    assert written.is_written
    assert (refused.record_id, refused.is_written, refused.is_transient) == (second, False, False)
    assert refused.code == "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"
    assert sandbox.get("Quote", first)["Sync_Contract_Value__c"] == value
    assert sandbox.get("Quote", first)["Sync_Status__c"] == "Synced"


def test_a_deleted_record_is_refused_for_good(sandbox: Sandbox, deals: Deals, gateway: SimpleSalesforceGateway) -> None:
    gone = deals.quote()
    sandbox.delete("Quote", gone)

    (result,) = gateway.write(writes=[synced(gone)])

    assert (result.code, result.is_transient) == ("ENTITY_IS_DELETED", False)


def test_an_expired_token_is_renewed_once_for_many_threads(
    sandbox: Sandbox, deals: Deals, gateway: SimpleSalesforceGateway
) -> None:
    quote = deals.quote()
    gateway.fetch(selection=SELECTION, record_ids=[quote])
    sandbox.expire_tokens()

    with ThreadPoolExecutor(20) as pool:
        reads = [pool.submit(gateway.fetch, selection=SELECTION, record_ids=[quote]) for _ in range(20)]
        found = [read.result(timeout=20) for read in reads]

    assert sandbox.sessions.logins == 2
    assert all(len(records) == 1 for records in found)


def test_a_token_that_is_never_accepted_ends_in_one_login_and_a_clear_error(
    sandbox: Sandbox, deals: Deals, gateway: SimpleSalesforceGateway
) -> None:
    sandbox.inject_fault("expired_token", times=None)

    for _ in range(5):
        with pytest.raises(AuthenticationFailed):
            gateway.fetch(selection=SELECTION, record_ids=[deals.account])

    assert sandbox.sessions.logins == 2


def test_a_maintenance_page_is_waited_out(sandbox: Sandbox, deals: Deals, gateway: SimpleSalesforceGateway) -> None:
    quote = deals.quote()
    sandbox.inject_fault("unavailable_html", times=2)

    assert len(gateway.fetch(selection=SELECTION, record_ids=[quote])) == 1

    sandbox.inject_fault("unavailable_html", times=None)
    with pytest.raises(Unavailable) as raised:
        gateway.fetch(selection=SELECTION, record_ids=[quote])
    assert "<" not in str(raised.value)


def test_a_write_whose_answer_was_cut_off_is_repeated_without_harm(
    sandbox: Sandbox, deals: Deals, gateway: SimpleSalesforceGateway
) -> None:
    quote = deals.quote()
    sandbox.inject_fault("cut_after_write", path=WRITES)

    (result,) = gateway.write(writes=[synced(quote)])

    assert result.is_written
    assert sandbox.get("Quote", quote)["Sync_Status__c"] == "Synced"


def test_a_write_whose_answer_never_comes_is_uncertain_although_it_happened(
    sandbox: Sandbox, deals: Deals, gateway: SimpleSalesforceGateway
) -> None:
    quote = deals.quote()
    sandbox.inject_fault("cut_after_write", path=WRITES, times=None)

    with pytest.raises(Uncertain):
        gateway.write(writes=[synced(quote)])

    assert sandbox.get("Quote", quote)["Sync_Status__c"] == "Synced"


def test_half_a_collection_may_fail(sandbox: Sandbox, deals: Deals, gateway: SimpleSalesforceGateway) -> None:
    quotes = [deals.quote(lines=0) for _ in range(4)]
    sandbox.inject_fault("half_failed_collection")

    results = gateway.write(writes=[synced(quote) for quote in quotes])

    assert [result.is_written for result in results] == [True, False, True, False]
    assert [result.is_transient for result in results] == [False, True, False, True]
    assert [sandbox.get("Quote", quote)["Sync_Status__c"] for quote in quotes] == ["Synced", None, "Synced", None]


def test_a_validation_rule_is_quoted_to_the_reader(
    sandbox: Sandbox, deals: Deals, gateway: SimpleSalesforceGateway
) -> None:
    quote = deals.quote()
    sandbox.inject_fault("validation_rule", message="Closed deals are read-only.")

    (result,) = gateway.write(writes=[synced(quote)])

    assert "Closed deals are read-only." in result.message
    assert not result.is_transient


def test_the_daily_limit_stops_us_at_once(sandbox: Sandbox, deals: Deals, gateway: SimpleSalesforceGateway) -> None:
    sandbox.inject_fault("limit_reached")
    sandbox.calls.reset()

    with pytest.raises(RateLimited) as limited:
        gateway.fetch(selection=SELECTION, record_ids=[deals.account])

    assert limited.value.retry_after >= 900
    assert sandbox.calls.total == 1


def test_an_answer_cut_in_half_is_read_again(sandbox: Sandbox, deals: Deals, gateway: SimpleSalesforceGateway) -> None:
    quote = deals.quote()
    gateway.organization()
    sandbox.inject_fault("garbage")

    assert len(gateway.fetch(selection=SELECTION, record_ids=[quote])) == 1


def test_a_hidden_field_is_named(sandbox: Sandbox, deals: Deals, gateway: SimpleSalesforceGateway) -> None:
    sandbox.schema.hide("QuoteLineItem", "UnitPrice")

    with pytest.raises(Misconfigured, match=r"QuoteLineItem\.UnitPrice"):
        gateway.fetch(selection=SELECTION, record_ids=[deals.quote()])

    assert "UnitPrice" not in gateway.describe(object_name="QuoteLineItem").fields


def test_an_org_with_one_currency_needs_no_currency_field(clock: FixedClock) -> None:
    with Sandbox(auto_push=False, multicurrency=False) as sandbox:
        login = SalesforceLogin(sandbox.base_url, "client_credentials", CLIENT_ID, CLIENT_SECRET)
        gateway = SimpleSalesforceGateway(login=login, clock=clock)
        (record,) = gateway.fetch(selection=SELECTION, record_ids=[Deals(sandbox).quote()])
        gateway.close()

    assert "CurrencyIsoCode" not in record.fields
    assert len(record.lines) == 3


def test_the_org_describes_itself_and_its_objects(sandbox: Sandbox, gateway: SimpleSalesforceGateway) -> None:
    organization = gateway.organization()
    quote = gateway.describe(object_name="Quote")

    assert (organization.org_id, organization.name) == (sandbox.org_id, "Halyard Software")
    assert organization.is_sandbox
    assert "Accepted" in quote.fields["Status"].picklist_values
    assert quote.fields["AccountId"].relationship_name == "Account"
    assert quote.fields["Sync_Status__c"].is_updateable
    assert not quote.fields["GrandTotal"].is_updateable
    with pytest.raises(Misconfigured, match="Qoute"):
        gateway.describe(object_name="Qoute")


def test_the_use_of_calls_is_told_by_every_answer(sandbox: Sandbox, gateway: SimpleSalesforceGateway) -> None:
    gateway.organization()
    gateway.server_now()

    usage = gateway.usage()

    assert (usage.calls, usage.limit) == (1, 5_000_000)
    assert usage.used >= 1
    assert sandbox.calls.total == 1


def test_a_login_by_key_works_and_a_wrong_user_is_told_in_plain_words() -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    with Sandbox(auto_push=False, public_key=public) as sandbox:
        for username in (USERNAME, "somebody@else.example"):
            login = SalesforceLogin(
                sandbox.base_url, "jwt", CLIENT_ID, private_key=private, username=username, api_version="63.0"
            )
            gateway = SimpleSalesforceGateway(login=login, clock=SystemClock(), sleep=lambda _seconds: None)
            if username == USERNAME:
                assert gateway.organization().org_id == sandbox.org_id
            else:
                with pytest.raises(AuthenticationFailed, match="not pre-authorised"):
                    gateway.organization()
            gateway.close()


def test_a_server_that_is_gone_is_unavailable_for_reads_and_writes(clock: FixedClock) -> None:
    with Sandbox(auto_push=False) as sandbox:
        login = SalesforceLogin(sandbox.base_url, "client_credentials", CLIENT_ID, CLIENT_SECRET)
        gateway = SimpleSalesforceGateway(login=login, clock=clock, sleep=lambda _seconds: None)
        gateway.organization()
        account = Deals(sandbox).account

    with pytest.raises(Unavailable):
        gateway.fetch(selection=SELECTION, record_ids=[account])
    with pytest.raises(Unavailable):
        gateway.write(writes=[RecordWrite("Account", account, {"Sync_Status__c": "Synced"})])
    gateway.close()

"""Settings of payment providers: what must fit together, and what `countersign check` proves of an account."""

from __future__ import annotations

from typing import Any

import pytest

from connector.adapters.payments_airwallex import AirwallexPayments
from connector.adapters.payments_airwallex_errors import LoginRefused
from connector.adapters.payments_embedded import EmbeddedPayments
from connector.config import Config, ConfigRefused, parse_config
from connector.domain.assumptions import Finding, FindingState
from connector.paying import payment_faults, payment_provider
from connector.ports_payments import PaymentProvider
from connector.store.unit_of_work import Database
from connector.usecases.check_payments import check_payments
from tests.builders import ORG_ID
from tests.paying.conftest import MakeAirwallex

SALESFORCE = {"instance_url": "http://127.0.0.1:1", "client_id": "client", "org_id": ORG_ID}
KEY = {"COUNTERSIGN_AIRWALLEX_API_KEY": "key-of-the-tests"}
AIRWALLEX = {"client_id": "client"}


def config(environment: dict[str, str] | None = None, **sections: Any) -> Config:
    """The settings, judged."""
    raw = {"salesforce": SALESFORCE, **sections}
    return parse_config(raw=raw, environment=KEY if environment is None else environment, judges=[payment_faults])


def faults(environment: dict[str, str] | None = None, **sections: Any) -> list[str]:
    """Where the settings are wrong."""
    with pytest.raises(ConfigRefused) as refused:
        config(environment, **sections)
    return [fault.field for fault in refused.value.faults]


def test_nobody_takes_money_by_link_unless_told(sqlite_database: Database, clock: Any) -> None:
    assert payment_provider(config=config({}), database=sqlite_database, clock=clock) is None


def test_the_provider_of_the_settings_is_made(sqlite_database: Database, clock: Any) -> None:
    embedded = config(payments={"provider": "embedded"})
    outside = config(payments={"provider": "airwallex"}, airwallex=AIRWALLEX)

    made = [payment_provider(config=one, database=sqlite_database, clock=clock) for one in (embedded, outside)]

    assert [type(one) for one in made] == [EmbeddedPayments, AirwallexPayments]
    assert "key-of-the-tests" not in repr(made) + repr(outside)


def test_play_money_is_refused_where_others_could_reach_it() -> None:
    assert faults(payments={"provider": "embedded"}, web={"base_url": "https://billing.example.com"}) == [
        "payments.provider"
    ]


@pytest.mark.parametrize(
    ("address", "is_live"),
    [
        ("https://api.airwallex.com", False),
        ("https://api-demo.airwallex.com", True),
        ("https://api.sandbox.airwallex.com", True),
    ],
)
def test_real_money_and_play_money_are_never_mixed_up(address: str, is_live: bool) -> None:
    section = AIRWALLEX | {"base_url": address, "live": is_live}

    assert faults(payments={"provider": "airwallex"}, airwallex=section) == ["airwallex.live"]
    assert config(payments={"provider": "airwallex"}, airwallex=section | {"live": not is_live})


def test_an_account_needs_its_client_id_and_its_key() -> None:
    assert faults({}, payments={"provider": "airwallex"}) == ["airwallex.client_id", "COUNTERSIGN_AIRWALLEX_API_KEY"]


@pytest.mark.parametrize(
    ("section", "place"),
    [
        ({"base_url": "http://api.example.com"}, "airwallex.base_url"),
        ({"base_url": "https://user:pass@api.example.com"}, "airwallex.base_url"),
        ({"api_version": "latest"}, "airwallex.api_version"),
        ({"paths": {"links": "api/links"}}, "airwallex.paths.links"),
        ({"api_key": "x"}, "airwallex.api_key"),
    ],
)
def test_a_wrong_setting_is_told_by_its_place(section: dict[str, Any], place: str) -> None:
    assert faults(payments={"provider": "airwallex"}, airwallex=AIRWALLEX | section) == [place]


def proved(provider: PaymentProvider, *currencies: str) -> list[Finding]:
    """What check finds."""
    return list(check_payments(provider=provider, currencies=currencies, is_live=False))


def test_check_logs_in_and_names_account_and_wallets(airwallex: AirwallexPayments) -> None:
    found = proved(airwallex, "EUR")

    assert [one.state for one in found] == [FindingState.GOOD, FindingState.GOOD]
    assert "'Example GmbH'" in found[0].message
    assert "no real money" in found[0].message
    assert found[1].message == "The account has wallets in EUR, USD."


def test_check_tells_of_a_currency_without_a_wallet(airwallex: AirwallexPayments) -> None:
    found = proved(airwallex, "EUR", "GBP")

    assert (found[1].state, "GBP" in found[1].message) == (FindingState.BAD, True)


def test_check_tells_of_a_login_that_is_refused(make_airwallex: MakeAirwallex) -> None:
    with pytest.raises(LoginRefused):
        proved(make_airwallex(api_key="wrong"))


def test_check_warns_of_the_embedded_provider(embedded: EmbeddedPayments) -> None:
    assert proved(embedded)[1].state is FindingState.UNKNOWN

"""The settings file: every fault of every part in one report, and no secret in it."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from connector.__main__ import main
from connector.config import Config, ConfigRefused, load_config, parse_config
from connector.validation import (
    certificate_faults,
    login_faults,
    mapping_faults,
    read_settings,
    shared_secret_faults,
    writeback_faults,
)

ORG_ID = "00DV0000008s2SrMAI"
SECOND_ORG_ID = "00D5g000004XcDeEAK"
GOOD = f"""
[salesforce]
instance_url = "https://acme.my.salesforce.com"
client_id = "client"
org_id = "{ORG_ID}"
"""
ENVIRONMENT = {"COUNTERSIGN_SALESFORCE_CLIENT_SECRET": "very-secret-word"}
MODEL_ORG = Path(__file__).parent.parent / "docs" / "examples" / "model-org.toml"


def refused(text: str, environment: dict[str, str] | None = None, *, judged: bool = False) -> dict[str, str]:
    """The faults of a file by their place; each place once."""
    judges = (login_faults, mapping_faults, writeback_faults) if judged else ()
    with pytest.raises(ConfigRefused) as refusal:
        parse_config(
            raw=tomllib.loads(text), environment=ENVIRONMENT if environment is None else environment, judges=judges
        )
    places = [fault.field for fault in refusal.value.faults]
    assert len(set(places)) == len(places), places
    return {fault.field: fault.sentence() for fault in refusal.value.faults}


def accepted(text: str, environment: dict[str, str] | None = None) -> Config:
    return parse_config(raw=tomllib.loads(text), environment=environment or {})


def test_a_small_file_is_enough() -> None:
    config = accepted(GOOD, ENVIRONMENT)

    assert config.salesforce[0].name == "default"
    assert config.secrets.salesforce["default"].client_secret.get_secret_value() == "very-secret-word"
    assert config.database.url == "sqlite:///var/countersign.db"


def test_a_table_of_one_org_and_a_list_of_orgs_are_the_same() -> None:
    one, many = accepted(GOOD), accepted(GOOD.replace("[salesforce]", "[[salesforce]]"))

    assert one.salesforce == many.salesforce


def test_all_faults_are_told_at_once_and_each_once() -> None:
    faults = refused(
        """
        unknown = 1
        [database]
        url = "mysql://host/db"
        [salesforce]
        instance_url = "http://acme.my.salesforce.com"
        auth = "password"
        client_id = ""
        org_id = "001"
        api_version = 63.0
        calls_per_day = 1
        [web]
        port = 99999
        base_url = "billing.example.com"
        colour = "red"
        [jobs]
        sweep = "often"
        wake = nan
        [writeback]
        prefix = "9"
        [[entitlements.plans]]
        ref = "plan-a"
        [[entitlements.plans]]
        ref = "plan-b"
        product = "p"
        entitlements = [
            { ref = "seats" }, { ref = "api", value = "lots" }, { ref = "x", value = 1, cadense = "month" }
        ]
        """
    )

    assert set(faults) == {
        "unknown",
        "database.url",
        "salesforce.instance_url",
        "salesforce.auth",
        "salesforce.client_id",
        "salesforce.org_id",
        "salesforce.api_version",
        "salesforce.calls_per_day",
        "web.port",
        "web.base_url",
        "web.colour",
        "jobs.sweep",
        "jobs.wake",
        "writeback.prefix",
        "entitlements.plans[1].product",
        "entitlements.plans[2].entitlements[1]",
        "entitlements.plans[2].entitlements[2].value",
        "entitlements.plans[2].entitlements[3].cadense",
    }
    assert "at most 65,535" in faults["web.port"]
    assert 'must be "client_credentials" or "jwt"' in faults["salesforce.auth"]
    assert 'must be a whole number or "unlimited"' in faults["entitlements.plans[2].entitlements[2].value"]
    assert "Did you mean cadence?" in faults["entitlements.plans[2].entitlements[3].cadense"]
    assert "needed and missing" in faults["entitlements.plans[1].product"]


def test_a_section_is_not_blamed_for_what_is_wrong_inside_it() -> None:
    faults = refused(GOOD.replace('client_id = "client"', "").replace("org_id", "orgid"))

    assert set(faults) == {"salesforce.client_id", "salesforce.org_id", "salesforce.orgid"}


def test_a_file_without_an_org_is_refused() -> None:
    assert set(refused("[web]\nport = 8900\n")) == {"salesforce"}


@pytest.mark.parametrize("value", ["[]", "3", '"x"'])
def test_a_section_of_another_kind_is_refused_without_a_crash(value: str) -> None:
    text = f"salesforce = {value}\nmapping = {value}\nsigned = {value}\ndatabase = {value}\n"

    assert {"salesforce", "mapping"} <= set(refused(text, judged=True))


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1:8910",
        "http://localhost:8910/",
        "http://[::1]:8910",
        "https://acme.my.salesforce.com",
    ],
)
def test_plain_http_is_for_this_machine_only_and_these_pass(address: str) -> None:
    config = accepted(GOOD.replace("https://acme.my.salesforce.com", address))

    assert config.salesforce[0].instance_url == address.rstrip("/")


@pytest.mark.parametrize(
    "address",
    [
        "http://acme.my.salesforce.com",
        "http://127.0.0.1.example.com",
        "http://localhost@example.com",
        "http://10.0.0.1",
        "https://user:word@acme.my.salesforce.com",
        "https://acme.my.salesforce.com?x=1",
        "https://",
        "https://[broken",
        "acme.my.salesforce.com",
        "ftp://127.0.0.1",
    ],
)
def test_an_unsafe_address_of_the_org_is_refused(address: str) -> None:
    assert set(refused(GOOD.replace("https://acme.my.salesforce.com", address))) == {"salesforce.instance_url"}


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "postgres://x/y", "mysql://x/y", "", "file.db"])
def test_another_kind_of_database_is_refused(url: str) -> None:
    assert set(refused(f'{GOOD}[database]\nurl = "{url}"\n')) == {"database.url"}


def test_two_plans_of_one_ref_are_refused_because_one_would_silently_win() -> None:
    plan = '[[entitlements.plans]]\nref = "plan-a"\nproduct = "p"\n'
    doubled = plan + 'entitlements = [ { ref = "seats", value = 1 }, { ref = "seats", value = 2 } ]\n'

    assert "names the plan plan-a twice" in refused(GOOD + plan + plan)["entitlements"]
    assert "names the entitlement seats twice" in refused(GOOD + doubled)["entitlements.plans[1]"]


# Secrets.


@pytest.mark.parametrize("key", ["client_secret", "password", "private_key", "push_tokens", "event_secrets"])
def test_a_secret_in_the_file_is_refused_and_not_repeated(key: str) -> None:
    with pytest.raises(ConfigRefused) as refusal:
        parse_config(raw=tomllib.loads(f'{GOOD}{key} = "hush-hush-word"\n'), environment={})

    assert [fault.field for fault in refusal.value.faults] == [f"salesforce.{key}"]
    assert "Secrets do not belong in this file." in str(refusal.value)
    assert "hush-hush-word" not in str(refusal.value) + repr(refusal.value.faults)


def test_a_section_of_secrets_is_refused_together_with_other_faults() -> None:
    text = f'{GOOD}[secrets]\nsession = "hush-hush-word"\n[web]\nport = 0\n'

    faults = refused(text)

    assert set(faults) == {"secrets", "web.port"}
    assert "hush-hush-word" not in str(faults)


def test_a_database_password_in_the_file_is_refused_and_the_environment_may_bring_it() -> None:
    text = f'{GOOD}[database]\nurl = "postgresql://anna:hush-hush-word@db/countersign"\n'
    url = "postgresql://anna:other-word@db/countersign"

    faults = refused(text)
    config = accepted(GOOD, {"COUNTERSIGN_DATABASE_URL": url})

    assert set(faults) == {"database.url"}
    assert "hush-hush-word" not in str(faults)
    assert config.database.url == url
    assert "other-word" not in repr(config)


def test_a_value_in_a_wrong_place_is_not_repeated() -> None:
    text = f'{GOOD}auth = "hush-hush-word"\nname = "a b?hush-word"\n'

    faults = refused(text)

    assert set(faults) == {"salesforce.auth", "salesforce.name"}
    assert "hush" not in str(faults)


def test_secrets_come_from_files_too(tmp_path: Path) -> None:
    key = tmp_path / "key.pem"
    key.write_text("-----BEGIN PRIVATE KEY-----\nabc\n-----END PRIVATE KEY-----\n", encoding="utf-8")

    config = accepted(GOOD, {"COUNTERSIGN_SALESFORCE_PRIVATE_KEY_FILE": str(key)})

    assert config.secrets.salesforce["default"].private_key.get_secret_value().startswith("-----BEGIN")


def test_every_secret_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    binary, empty = tmp_path / "binary", tmp_path / "empty"
    binary.write_bytes(b"\xff\xfe\x00")
    empty.write_text(" \n", encoding="utf-8")

    faults = refused(
        f"{GOOD}[web]\nport = 0\n",
        {
            "COUNTERSIGN_SESSION_SECRET_FILE": str(tmp_path / "absent"),
            "COUNTERSIGN_SALESFORCE_PRIVATE_KEY_FILE": str(tmp_path),
            "COUNTERSIGN_SALESFORCE_CLIENT_SECRET_FILE": str(binary),
            "COUNTERSIGN_SALESFORCE_PUSH_TOKENS_FILE": str(empty),
            "COUNTERSIGN_SALESFORCE_EVENT_SECRETS": "whsec_aGVsbG8=",
            "COUNTERSIGN_SALESFORCE_EVENT_SECRETS_FILE": str(empty),
        },
    )

    assert set(faults) == {
        "web.port",
        "COUNTERSIGN_SESSION_SECRET_FILE",
        "COUNTERSIGN_SALESFORCE_PRIVATE_KEY_FILE",
        "COUNTERSIGN_SALESFORCE_CLIENT_SECRET_FILE",
        "COUNTERSIGN_SALESFORCE_PUSH_TOKENS_FILE",
        "COUNTERSIGN_SALESFORCE_EVENT_SECRETS_FILE",
    }
    assert "No such file" in faults["COUNTERSIGN_SESSION_SECRET_FILE"]
    assert "is set as well" in faults["COUNTERSIGN_SALESFORCE_EVENT_SECRETS_FILE"]


def test_a_misspelt_secret_of_an_org_is_named() -> None:
    faults = refused(GOOD, {"COUNTERSIGN_SALESFORCE_CLIENTSECRET": "x"})

    assert "Did you mean COUNTERSIGN_SALESFORCE_CLIENT_SECRET?" in faults["COUNTERSIGN_SALESFORCE_CLIENTSECRET"]


# Several orgs.


def several(**changes: str) -> str:
    second = {"name": '"north-west"', "org_id": f'"{SECOND_ORG_ID}"', "client_id": '"client"'} | changes
    lines = "\n".join(f"{key} = {value}" for key, value in second.items())
    address = 'instance_url = "https://acme.my.salesforce.com"'
    return f"{GOOD.replace('[salesforce]', '[[salesforce]]')}\n[[salesforce]]\n{address}\n{lines}\n"


def test_each_org_has_its_own_secrets() -> None:
    config = accepted(
        several(),
        {
            "COUNTERSIGN_SALESFORCE_CLIENT_SECRET": "first",
            "COUNTERSIGN_SALESFORCE_NORTH_WEST_CLIENT_SECRET": "second",
            "COUNTERSIGN_SALESFORCE_NORTH_WEST_PUSH_TOKENS": "new, old",
        },
    )

    secrets = config.secrets.salesforce
    assert secrets["default"].client_secret.get_secret_value() == "first"
    assert secrets["north-west"].client_secret.get_secret_value() == "second"
    assert [token.get_secret_value() for token in secrets["north-west"].push_tokens] == ["new", "old"]


def test_two_orgs_of_one_name_or_one_id_are_refused() -> None:
    third = several(name='"North_West"', org_id='"00DOther0000001"').rpartition("[[salesforce]]")
    names = refused(several() + "".join(third[1:]))
    ids = refused(several(org_id=f'"{ORG_ID[:15]}"'))

    assert set(names) == {"salesforce[3].name"}
    assert set(ids) == {"salesforce[2].org_id"}


def test_a_fault_names_the_org_by_its_number() -> None:
    assert set(refused(several(auth='"x"'))) == {"salesforce[2].auth"}


# All parts together.

MAPPING = MODEL_ORG.read_text(encoding="utf-8")


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str], Path]:
    def written(text: str) -> Path:
        file = tmp_path / "config.toml"
        file.write_text(text, encoding="utf-8")
        return file

    return written


def test_the_model_org_is_accepted(write: Callable[[str], Path]) -> None:
    config = read_settings(path=write(GOOD + MAPPING), environment=ENVIRONMENT)

    assert set(config.mapping["objects"]) == {"Quote", "Opportunity", "Order"}


def test_sections_secrets_mapping_and_signed_rules_are_judged_in_one_report(write: Callable[[str], Path]) -> None:
    text = (
        GOOD.replace(ORG_ID, ORG_ID[:-1] + "9")
        + "[web]\nport = 0\n"
        + MAPPING.replace('name = "', 'nmae = "').replace("[mapping]", '[mapping]\ncolour = "red"')
        + '\n[[signed]]\nobject = "Quote"\nfield = "Status"\nvalues = []\n'
        + '\n[[signed]]\nobject = "Order"\nfield = "Status"\nvalues = ["x"]\nwhere = "Name = \'x"\n'
    )

    with pytest.raises(ConfigRefused) as refusal:
        read_settings(path=write(text), environment={"COUNTERSIGN_SESSION_SECRET_FILE": "/absent"})

    assert {fault.field for fault in refusal.value.faults} >= {
        "web.port",
        "salesforce.org_id",
        "COUNTERSIGN_SALESFORCE_CLIENT_SECRET",
        "COUNTERSIGN_SESSION_SECRET_FILE",
        "mapping.colour",
        "signed[4].values",
        "signed[5].where",
    }


def test_a_status_field_that_we_do_not_write_is_refused() -> None:
    fields = 'Statuss = "A__c"\nStep = "no field"\nError = "Same__c"\nLink = "same__c"\nKey = ""\n'

    faults = refused(f"{GOOD}{MAPPING}[writeback.fields]\n{fields}", judged=True)

    assert set(faults) == {"writeback.fields.Statuss", "writeback.fields.Step", "writeback.fields.Link"}


def test_a_login_by_jwt_needs_its_key_and_its_user() -> None:
    faults = refused(GOOD + 'auth = "jwt"\n' + MAPPING, judged=True)

    assert "username is needed" in faults["salesforce"]
    assert "COUNTERSIGN_SALESFORCE_PRIVATE_KEY" in faults


def test_a_command_with_a_wrong_file_tells_all_faults_and_ends_with_2(write: Callable[[str], Path]) -> None:
    file = write(GOOD + '[web]\nport = 0\n[mapping]\ncolour = "red"\n')

    answer = CliRunner().invoke(main, ["user", "list", "--json", "--config", str(file)], env=ENVIRONMENT)

    assert answer.exit_code == 2
    told = json.loads(answer.stderr)
    assert told["code"] == "CONFIGURATION"
    assert {fault["field"] for fault in told["faults"]} == {"web.port", "mapping.colour", "mapping.objects"}


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda folder: folder / "absent.toml", "does not exist"),
        (lambda folder: folder, "cannot be read"),
        (lambda folder: _bytes(folder, b"[web\n"), "not valid TOML"),
        (lambda folder: _bytes(folder, b"\xff\xfe"), "not valid TOML"),
    ],
)
def test_a_file_that_cannot_be_read_is_told(tmp_path: Path, make: Callable[[Path], Path], says: str) -> None:
    with pytest.raises(ConfigRefused, match=says):
        load_config(path=make(tmp_path), environment={})


def _bytes(folder: Path, content: bytes) -> Path:
    file = folder / "file.toml"
    file.write_bytes(content)
    return file


def test_nothing_of_any_type_makes_the_judgement_crash() -> None:
    odd: list[Any] = [None, True, 7, 1.5, "x", [], [[]], {}, {"x": {}}, [{"name": 3}], {"name": []}]

    for value in odd:
        for section in (*Config.model_fields, "other"):
            raw = {section: value}
            with pytest.raises(ConfigRefused):
                parse_config(raw=raw, environment={}, judges=(login_faults, mapping_faults, writeback_faults))


def test_a_secret_that_two_orgs_share_is_refused_without_being_repeated() -> None:
    second = f'''
[[salesforce]]
name = "eu"
instance_url = "https://acme-eu.my.salesforce.com"
client_id = "client"
org_id = "{SECOND_ORG_ID}"
'''
    environment = {
        "COUNTERSIGN_SALESFORCE_PUSH_TOKENS": "token-of-both",
        "COUNTERSIGN_SALESFORCE_EU_PUSH_TOKENS": "token-of-its-own,token-of-both",
        "COUNTERSIGN_SALESFORCE_EVENT_SECRETS": "whsec_own",
        "COUNTERSIGN_SALESFORCE_EU_EVENT_SECRETS": "whsec_other",
    }

    with pytest.raises(ConfigRefused) as refusal:
        parse_config(
            raw=tomllib.loads(GOOD.replace("[salesforce]", "[[salesforce]]") + second),
            environment=environment,
            judges=(shared_secret_faults,),
        )

    (fault,) = refusal.value.faults
    assert fault.field == "COUNTERSIGN_SALESFORCE_EU_PUSH_TOKENS"
    assert "Entry 2 is one of the org 'default' as well" in fault.message
    assert "token-of-both" not in str(refusal.value)


def test_a_certificate_header_that_anybody_could_send_is_refused() -> None:
    text = GOOD + 'client_cert_header = "X-Client-Cert"\nclient_cert_expected = ["CN=proxy.salesforce.com"]\n'
    proxied = text + "[web]\ntrusted_proxies = 1\n"

    with pytest.raises(ConfigRefused) as refusal:
        parse_config(raw=tomllib.loads(text), environment=ENVIRONMENT, judges=(certificate_faults,))

    assert [fault.field for fault in refusal.value.faults] == ["salesforce.client_cert_header"]
    assert parse_config(raw=tomllib.loads(proxied), environment=ENVIRONMENT, judges=(certificate_faults,))


def test_a_certificate_header_needs_what_is_expected_in_it() -> None:
    faults = refused(GOOD + 'client_cert_header = "X-Client-Cert"\n')

    assert "given together" in next(iter(faults.values()))

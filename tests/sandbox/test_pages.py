"""The pages and the control endpoints: what they show, what they do, whom they refuse."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import requests

from connector.sandbox import Sandbox
from connector.sandbox.__main__ import arguments, build
from connector.sandbox.oauth import JWT_GRANT, OAuthRefusal


def _page(sandbox: Sandbox, path: str, **headers: str) -> requests.Response:
    return requests.get(sandbox.base_url + path, headers=headers, timeout=5)


def _press(sandbox: Sandbox, path: str, **headers: str) -> requests.Response:
    sent = {"Origin": sandbox.base_url} | headers
    return requests.post(sandbox.base_url + path, headers=sent, timeout=5)


def test_the_record_page_shows_the_status_first_and_escapes_everything(sandbox: Sandbox, deal: dict[str, str]) -> None:
    sandbox.update(
        "Quote",
        deal["quote"],
        {
            "Name": "<script>alert(1)</script>",
            "Sync_Status__c": "Blocked",
            "Sync_Link__c": "javascript:alert(1)",
            "Sync_Error__c": "Line 2 <b>SEAT</b>: enter a whole number.",
        },
    )
    sandbox.update("Product2", deal["product"], {"Name": '"><img src=x>'})

    page = _page(sandbox, f"/record/{deal['quote']}")

    assert page.status_code == 200
    assert "<script>alert" not in page.text
    assert "<img" not in page.text
    assert "javascript:" not in page.text
    assert "Line 2 &lt;b&gt;SEAT&lt;/b&gt;: enter a whole number." in page.text
    assert page.text.index("Status from Countersign") < page.text.index("Lines") < page.text.index("Details")
    assert '<span class="badge bad">Blocked</span>' in page.text
    assert "33.35" in page.text
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


def test_the_index_lists_records_and_an_empty_org_says_so(sandbox: Sandbox, deal: dict[str, str]) -> None:
    page = _page(sandbox, "/").text

    assert f'<a href="/record/{deal["quote"]}">Hats 1</a>' in page
    assert "Zürich Mützen &amp; Söhne" in page
    with Sandbox(auto_push=False) as empty:
        assert "The org is empty" in _page(empty, "/").text


@pytest.mark.parametrize(
    ("object_name", "key", "button", "field", "value"),
    [
        ("Quote", "quote", "Mark as accepted", "Status", "Accepted"),
        ("Opportunity", "opportunity", "Close as won", "StageName", "Closed Won"),
    ],
)
def test_the_main_button_signs_as_the_rep_and_then_goes_away(
    sandbox: Sandbox, deal: dict[str, str], object_name: str, key: str, button: str, field: str, value: str
) -> None:
    path = f"/record/{deal[key]}"
    assert button in _page(sandbox, path).text

    pressed = _press(sandbox, f"{path}/sign")

    assert pressed.history[0].status_code == 303
    assert button not in pressed.text
    row = sandbox.get(object_name, deal[key])
    assert (row[field], row["LastModifiedById"]) == (value, sandbox.rep_id)


def test_resync_sets_who_asked_and_when(sandbox: Sandbox, deal: dict[str, str]) -> None:
    _press(sandbox, f"/record/{deal['account']}/resync")

    row = sandbox.get("Account", deal["account"])
    assert (row["Sync_Requested_At__c"], row["Sync_Requested_By__c"]) == (sandbox.clock.now(), "Rosa Lindqvist")


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Host": "evil.example", "Origin": "http://evil.example"},
    ],
)
def test_a_button_pressed_from_another_site_does_nothing(
    sandbox: Sandbox, deal: dict[str, str], headers: dict[str, str]
) -> None:
    response = _press(sandbox, f"/record/{deal['quote']}/sign", **headers)

    assert response.status_code == 403
    assert sandbox.get("Quote", deal["quote"])["Status"] == "Presented"


def test_a_form_without_an_origin_and_a_foreign_host_are_refused(sandbox: Sandbox, deal: dict[str, str]) -> None:
    bare = requests.post(f"{sandbox.base_url}/record/{deal['quote']}/sign", data={"a": "b"}, timeout=5)

    assert bare.status_code == 403
    assert _page(sandbox, "/", Host="rebound.example").status_code == 403
    assert _page(sandbox, "/sandbox/calls", Host="rebound.example").status_code == 403


@pytest.mark.parametrize(
    "path", ["/record/nonsense", "/record/0Q0gL0000000999", "/record/zzzgL0000000001AAA", "/nothing"]
)
def test_an_unknown_page_is_not_found(sandbox: Sandbox, path: str) -> None:
    assert _page(sandbox, path).status_code == 404


def test_a_product_cannot_be_signed(sandbox: Sandbox, deal: dict[str, str]) -> None:
    assert _press(sandbox, f"/record/{deal['product']}/sign").status_code == 404
    assert _press(sandbox, f"/record/{deal['product']}/resync").status_code == 404
    assert _page(sandbox, f"/record/{deal['product']}").status_code == 200


def test_scripts_create_change_read_and_delete_records(sandbox: Sandbox) -> None:
    url = f"{sandbox.base_url}/sandbox/records"

    made = requests.post(url, json={"object": "Account", "values": {"Name": "x"}}, timeout=5)
    record_id = made.json()["id"]
    requests.post(url, json={"object": "Account", "id": record_id, "values": {"Name": "y"}}, timeout=5)

    assert made.status_code == 201
    assert requests.get(f"{url}/{record_id}", timeout=5).json()["Name"] == "y"
    assert requests.delete(f"{url}/{record_id}", timeout=5).status_code == 200
    assert sandbox.all("Account") == []
    wrong: list[Any] = [{"object": "Nothing", "values": {}}, {"object": "Account", "values": {"Nme": 1}}, {}]
    assert [requests.post(url, json=body, timeout=5).status_code for body in wrong] == [400] * 3


def test_clock_counters_and_tokens_are_steered_over_http(sandbox: Sandbox) -> None:
    base = f"{sandbox.base_url}/sandbox/"

    moved = requests.post(base + "clock", json={"advance_seconds": 60}, timeout=5).json()
    requests.delete(base + "tokens", timeout=5)

    assert moved == {"now": "2026-03-02T09:31:00.000+0000"}
    assert requests.get(base + "clock", timeout=5).json() == moved
    assert requests.get(base + "health", timeout=5).json() == {"ok": True, "org_id": sandbox.org_id}
    assert requests.get(base + "calls?log=1", timeout=5).json()["total"] == 0
    assert requests.post(base + "clock", json={"set": "yesterday"}, timeout=5).status_code == 400


def test_the_command_line_builds_a_seeded_or_an_empty_org() -> None:
    demo = build(arguments(["--port", "0", "--latency-ms", "5", "--push-url", "http://127.0.0.1:9/x"]))
    empty = build(arguments(["--port", "0", "--seed", "empty"]))

    assert len(demo.story) == 10
    assert demo.latency.total_seconds() == 0.005
    assert demo.pushes.settings.push_url == "http://127.0.0.1:9/x"
    assert (empty.story, empty.all("Account")) == ([], [])


def test_the_command_line_takes_a_public_key_and_packages(tmp_path: Path) -> None:
    file = tmp_path / "public.pem"
    file.write_text("not a key", encoding="ascii")

    built = build(arguments(["--port", "0", "--seed", "empty", "--public-key", str(file), "--package", "cpq"]))

    assert "SBQQ__Quote__c" in built.schema.objects
    with pytest.raises(OAuthRefusal, match="invalid assertion"):
        built.sessions.grant(form={"grant_type": JWT_GRANT, "assertion": "a.b.c"}, authorization="", base_url="")


def test_style_and_script_are_served_from_here_alone(sandbox: Sandbox) -> None:
    page = _page(sandbox, "/").text
    links = re.findall(r'(?:href|src)="([^"]+)"', page)

    assert links
    assert all(link.startswith("/") and not link.startswith("//") for link in links)
    assert _page(sandbox, "/sandbox/style.css").headers["Content-Type"].startswith("text/css")
    assert "javascript" in _page(sandbox, "/sandbox/refresh.js").headers["Content-Type"]

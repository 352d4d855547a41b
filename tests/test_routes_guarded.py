"""Every address has a guard that this table names, and the guard refuses whoever brings nothing.

A new route that is not in the table fails here: decide first who may use it.
"""

from __future__ import annotations

import pytest
from flask import Flask
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from connector.adapters.clock import FixedClock
from connector.app import create_app
from connector.store.unit_of_work import Database
from tests.web.serving import csrf_of, make_services

LOGIN, TOKEN, PROVIDER, OPEN, FORM, LINK = "login", "token", "provider", "open", "form", "link"
# There is no login provider in these tests; with one, tests/web/test_provider_sign_in.py says who gets in.
PASSWORDS = "passwords"

GUARDS = {
    "GET /static/<path:filename>": OPEN,
    "GET /": OPEN,
    "GET /login": OPEN,
    "POST /login": FORM,
    "GET /login/provider": PASSWORDS,
    "GET /login/callback": PASSWORDS,
    "POST /logout": FORM,
    "GET /health/live": OPEN,
    "GET /health/ready": OPEN,
    "GET /metrics": OPEN,
    "GET /api/openapi.json": OPEN,
    "GET /api/docs": OPEN,
    "GET /styles/document.css": OPEN,
    "GET /styles/fonts/<any('NotoSansJP-Regular.ttf'):name>": OPEN,
    "GET /invoice/<token:token>": LINK,
    "GET /invoice/<token:token>/documents/<name:number>": LINK,
    "GET /invoice/<token:token>/upcoming": LINK,
    "GET /invoice/<token:token>.<any(pdf, xml):kind>": LINK,
    "GET /invoice/<token:token>/documents/<token:number>.<any(pdf, xml):kind>": LINK,
    "GET /review/overview": LOGIN,
    "GET /review/orders": LOGIN,
    "GET /review/orders/<name:number>": LOGIN,
    "POST /review/orders/<name:number>/resync": LOGIN,
    "GET /review/order-forms": LOGIN,
    "POST /review/order-forms": LOGIN,
    "GET /review/order-forms/<int:form_id>": LOGIN,
    "GET /review/order-forms/<int:form_id>/pages/<int:page>.png": LOGIN,
    "GET /review/order-forms/<int:form_id>/file": LOGIN,
    "POST /review/order-forms/<int:form_id>/<any(accept, reject, confirm):decision>": LOGIN,
    "POST /review/order-forms/<int:form_id>/answers": LOGIN,
    "POST /review/order-forms/<int:form_id>/record": LOGIN,
    "POST /review/order-forms/<int:form_id>/read": LOGIN,
    "POST /review/order-forms/envelopes/<int:envelope_id>/fetch": LOGIN,
    "POST /api/v1/order-forms": TOKEN,
    "GET /api/v1/order-forms/<name:number>": TOKEN,
    "GET /review/contracts": LOGIN,
    "GET /review/contracts/<name:number>": LOGIN,
    "GET /review/contracts/<name:number>/schedule": LOGIN,
    "GET /review/invoices": LOGIN,
    "GET /review/invoices/<int:invoice_id>": LOGIN,
    "GET /review/invoices/<int:invoice_id>/document": LOGIN,
    "GET /review/document.css": LOGIN,
    "GET /review": LOGIN,
    "GET /review/queue.csv": LOGIN,
    "GET /review/approve-quiet": LOGIN,
    "POST /review/approve-quiet": LOGIN,
    "GET /review/approvals/<int:bulk_id>": LOGIN,
    "POST /review/invoices/<int:invoice_id>/approve": LOGIN,
    "POST /review/invoices/<int:invoice_id>/hold": LOGIN,
    "POST /review/invoices/<int:invoice_id>/release": LOGIN,
    "POST /review/invoices/<int:invoice_id>/withdraw": LOGIN,
    "POST /review/invoices/<int:invoice_id>/send-back": LOGIN,
    "POST /review/invoices/<int:invoice_id>/return": LOGIN,
    "POST /review/invoices/<int:invoice_id>/edit": LOGIN,
    "POST /review/invoices/<int:invoice_id>/comment": LOGIN,
    "POST /review/invoices/<int:invoice_id>/void": LOGIN,
    "POST /review/invoices/<int:invoice_id>/credit": LOGIN,
    "GET /review/cash": LOGIN,
    "POST /review/cash/statements": LOGIN,
    "GET /review/cash/payments/<int:payment_id>": LOGIN,
    "POST /review/cash/payments/<int:payment_id>/allocate": LOGIN,
    "POST /review/cash/payments/<int:payment_id>/undo/<int:posting_id>": LOGIN,
    "POST /review/cash/returns/<int:entry_id>": LOGIN,
    "GET /review/cash/reminders": LOGIN,
    "POST /review/cash/reminders/<int:letter_id>/<any(release, hold, cancel):event>": LOGIN,
    "POST /review/cash/invoices/<int:invoice_id>/stop": LOGIN,
    "GET /review/cash/report": LOGIN,
    "GET /review/cash/report.csv": LOGIN,
    "GET /review/cash/report.json": LOGIN,
    "GET /review/deliveries": LOGIN,
    "GET /review/deliveries/<int:invoice_id>": LOGIN,
    "POST /review/deliveries/<int:invoice_id>/send": LOGIN,
    "POST /review/deliveries/<int:invoice_id>/share": LOGIN,
    "POST /review/deliveries/<int:invoice_id>/links/<int:link_id>/revoke": LOGIN,
    "POST /review/deliveries/<int:invoice_id>/files": LOGIN,
    "GET /review/parked": LOGIN,
    "POST /review/parked/replay": LOGIN,
    "GET /review/messages/<int:message_id>": LOGIN,
    "GET /review/records": LOGIN,
    "GET /review/health": LOGIN,
    "GET /api/v1/orders": TOKEN,
    "GET /api/v1/orders/<name:number>": TOKEN,
    "GET /api/v1/contracts": TOKEN,
    "GET /api/v1/contracts/<name:number>": TOKEN,
    "GET /api/v1/contracts/<name:number>/schedule": TOKEN,
    "GET /api/v1/invoices": TOKEN,
    "GET /api/v1/invoices/<name:invoice_id>": TOKEN,
    "GET /api/v1/invoices/<name:number>/pdf": TOKEN,
    "GET /api/v1/invoices/<name:number>/xml": TOKEN,
    "GET /api/v1/invoices/<name:number>/files": TOKEN,
    "POST /api/v1/invoices/<name:number>/files": TOKEN,
    "GET /api/v1/invoices/<name:number>/links": TOKEN,
    "POST /api/v1/invoices/<name:number>/links": TOKEN,
    "POST /api/v1/links/<name:link_id>/revoke": TOKEN,
    "GET /api/v1/invoices/<name:number>/deliveries": TOKEN,
    "POST /api/v1/invoices/<name:number>/deliveries": TOKEN,
    "GET /api/v1/deliveries": TOKEN,
    "POST /api/v1/deliveries/<name:delivery_id>/bounce": TOKEN,
    "POST /api/v1/invoices/<name:invoice_id>/approve": TOKEN,
    "POST /api/v1/invoices/<name:invoice_id>/hold": TOKEN,
    "POST /api/v1/invoices/<name:invoice_id>/reject": TOKEN,
    "POST /api/v1/invoices/<name:invoice_id>/void": TOKEN,
    "POST /api/v1/invoices/<name:invoice_id>/credit": TOKEN,
    "POST /api/v1/invoices/<name:number>/stop": TOKEN,
    "POST /api/v1/invoices/<name:number>/resume": TOKEN,
    "GET /api/v1/payments": TOKEN,
    "GET /api/v1/payments/<name:payment_id>": TOKEN,
    "GET /api/v1/customers": TOKEN,
    "GET /api/v1/customers/<name:customer>/entitlements": TOKEN,
    "GET /api/v1/customers/<name:customer>/entitlements/<name:ref>": TOKEN,
    "GET /api/v1/customers/<name:customer>/credits/<name:ref>": TOKEN,
    "POST /api/v1/usage": TOKEN,
    "GET /api/v1/plans": TOKEN,
    "GET /api/v1/plans/<name:plan>": TOKEN,
    "PUT /api/v1/plans/<name:plan>": TOKEN,
    "POST /api/v1/plans/<name:plan>/publish": TOKEN,
    "GET /api/v1/differences": TOKEN,
    "GET /review/customers/<name:customer>": LOGIN,
    "GET /review/differences": LOGIN,
    "GET /api/v1/parked": TOKEN,
    "POST /api/v1/parked/replay": TOKEN,
    "POST /api/v1/resync": TOKEN,
    "GET /api/v1/resync/<name:token>": TOKEN,
    "POST /api/v1/preview": TOKEN,
    "POST /webhooks/salesforce/outbound/<token>": PROVIDER,
    "POST /webhooks/salesforce/events": PROVIDER,
    "POST /webhooks/docusign": PROVIDER,
    "POST /webhooks/pandadoc": PROVIDER,
    "POST /webhooks/dropbox-sign": PROVIDER,
    "GET /webhooks/adobe-sign": PROVIDER,
    "POST /webhooks/adobe-sign": PROVIDER,
    "POST /webhooks/airwallex": PROVIDER,
    "POST /webhooks/stigg": PROVIDER,
    "GET /review/payments": LOGIN,
    "GET /review/payments/<int:payment_id>": LOGIN,
    "POST /review/payments/<int:payment_id>/refund": LOGIN,
    "GET /review/payments/links": LOGIN,
    "POST /review/payments/links/<int:link_id>/again": LOGIN,
    "GET /review/payments/events": LOGIN,
    "POST /review/payments/events/<int:event_id>/again": LOGIN,
    "GET /pay/<name:link>": LINK,
    "POST /pay/<name:link>": FORM,
}
_VALUES = {
    "customer": "0015g00000PqRsTAAV",
    "plan": "plan-nowhere",
    "ref": "feature-nowhere",
    "form_id": 1,
    "envelope_id": 1,
    "page": 1,
    "decision": "accept",
    "number": "O-000001",
    "token": "x" * 32,
    "link": "lnk_nobody-made-this",
    "payment_id": 1,
    "link_id": 1,
    "event_id": 1,
    "message_id": 1,
    "invoice_id": 1,
    "posting_id": 1,
    "entry_id": 1,
    "letter_id": 1,
    "event": "hold",
    "bulk_id": 1,
    "filename": "countersign.css",
    "kind": "pdf",
    "delivery_id": 1,
    "name": "NotoSansJP-Regular.ttf",
}


@pytest.fixture
def app(sqlite_database: Database, clock: FixedClock) -> Flask:
    return create_app(services=make_services(sqlite_database, clock))


def test_every_route_is_in_the_table_and_the_table_names_no_other(app: Flask) -> None:
    assert sorted(_routes(app)) == sorted(GUARDS)


@pytest.mark.parametrize("route", [route for route, guard in GUARDS.items() if guard == LOGIN])
def test_a_page_sends_strangers_to_sign_in(app: Flask, route: str) -> None:
    answer = _call(app, route)

    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("/login")


@pytest.mark.parametrize("route", [route for route, guard in GUARDS.items() if guard == TOKEN])
@pytest.mark.parametrize("header", [None, "Basic YTpi", "Bearer", "Bearer cs_" + "x" * 43, "cs_" + "x" * 43])
def test_the_api_wants_a_token_that_we_made(app: Flask, route: str, header: str | None) -> None:
    answer = _call(app, route, header)

    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith('Bearer realm="countersign"')
    assert answer.content_type == "application/problem+json"


@pytest.mark.parametrize("route", [route for route, guard in GUARDS.items() if guard == PROVIDER])
def test_a_receiver_refuses_what_its_sender_did_not_sign(app: Flask, route: str) -> None:
    answer = _call(app, route)

    assert answer.status_code in (400, 401, 403, 404)


@pytest.mark.parametrize("route", [route for route, guard in GUARDS.items() if guard == LINK])
def test_a_link_that_nobody_made_opens_nothing(app: Flask, route: str) -> None:
    answer = _call(app, route)

    assert answer.status_code == 404
    assert "There is nothing here" in answer.text


@pytest.mark.parametrize("route", [route for route, guard in GUARDS.items() if guard == FORM])
def test_a_form_needs_its_token(app: Flask, route: str) -> None:
    assert _call(app, route).status_code == 400


@pytest.mark.parametrize("route", [route for route, guard in GUARDS.items() if guard == OPEN])
def test_what_is_open_is_open_on_purpose(app: Flask, route: str) -> None:
    assert _call(app, route).status_code in (200, 302)


@pytest.mark.parametrize("route", [route for route, guard in GUARDS.items() if guard == PASSWORDS])
def test_the_ways_of_the_login_provider_are_closed_without_one(app: Flask, route: str) -> None:
    assert _call(app, route).status_code == 404


def _routes(app: Flask) -> dict[str, Rule]:
    found = {}
    for rule in app.url_map.iter_rules():
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            found[f"{method} {rule.rule}"] = rule
    return found


def _call(app: Flask, route: str, authorization: str | None = None) -> TestResponse:
    """The request as a stranger makes it; forms of guarded pages carry a good token, so that only the guard refuses."""
    method = route.split()[0]
    rule = _routes(app)[route]
    client = app.test_client()
    data = {"csrf_token": csrf_of(client.get("/login"))} if method == "POST" and GUARDS[route] == LOGIN else None
    with app.test_request_context():
        path = app.url_map.bind("localhost").build(
            rule.endpoint, {name: _VALUES[name] for name in rule.arguments}, method
        )
    headers = {"Authorization": authorization} if authorization else {}
    return client.open(path, method=method, data=data, headers=headers, buffered=True)

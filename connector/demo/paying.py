"""The customer's part of the demo: open the invoice by its link, pay at the embedded provider, see it in Salesforce.

Goes the way of a browser, over HTTP, from the hosted page to the pay page; nothing is booked from here.
"""

from __future__ import annotations

import html
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import requests

from connector.bootstrap import make_services
from connector.config import load_config
from connector.demo.calling import LocalServer
from connector.demo.deals import DemoOrg
from connector.domain.review import Actor
from connector.errors import ConnectorError
from connector.usecases.share_invoice import share_invoice

_SECONDS = 60.0
_POLL = 0.1
_TIMEOUT = (2, 15)
_PAY = re.compile(r'href="(http://127\.0\.0\.1:\d+/pay/[^"]+)"')
_FORM = re.compile(r'name="csrf_token" value="([^"]+)"')
_PAID = "Paid"


class NotPaid(ConnectorError):
    """The invoice of the demo was not paid to the end."""

    code = "DEMO_PAYMENT"
    fix = "Read the log files in the demo's folder."


@dataclass(frozen=True, slots=True)
class PaidInvoice:
    """The customer's page of the invoice that was paid, and the Salesforce record that says so."""

    page_url: str
    record_url: str
    word: str


def pay_invoice(
    *, settings: Path, environment: Mapping[str, str], api: LocalServer, org: DemoOrg, invoice_id: int
) -> PaidInvoice:
    """Open, pay and watch. Raises NotPaid when that does not come to its end within a minute."""
    deadline = time.monotonic() + _SECONDS
    page_url = f"{api.base_url}/invoice/{_share(settings, environment, invoice_id)}"
    with requests.Session() as browser:
        browser.trust_env = False
        pay_url = _await_button(browser, page_url, deadline)
        _pay(browser, pay_url)
    record_id = _record_behind(api, invoice_id)
    while (word := org.payment_word_of(record_id)) != _PAID:
        if time.monotonic() > deadline:
            raise NotPaid(f"Salesforce shows {word or 'nothing'!r} instead of {_PAID!r}.")
        time.sleep(_POLL)
    return PaidInvoice(page_url, f"{org.base_url}/record/{record_id}", word)


def _share(settings: Path, environment: Mapping[str, str], invoice_id: int) -> str:
    """A link for the customer, as finance makes one."""
    services = make_services(load_config(path=settings, environment=environment))
    token = share_invoice(
        database=services.database,
        clock=services.clock,
        invoice_id=invoice_id,
        label="demo",
        actor=Actor("demo", "admin"),
    )
    services.database.dispose()
    return token


def _await_button(browser: requests.Session, page_url: str, deadline: float) -> str:
    """The address of the pay button; the link is made right after the invoice was issued."""
    while True:
        page = browser.get(page_url, timeout=_TIMEOUT)
        found = _PAY.search(page.text)
        if found:
            return html.unescape(found[1])
        if time.monotonic() > deadline:
            raise NotPaid(f"The customer's page ({page.status_code}) offers no way to pay.")
        time.sleep(_POLL)


def _pay(browser: requests.Session, pay_url: str) -> None:
    form = _FORM.search(browser.get(pay_url, timeout=_TIMEOUT).text)
    if form is None:
        raise NotPaid("The pay page has no form.")
    answer = browser.post(
        pay_url, data={"csrf_token": form[1], "outcome": "paid"}, timeout=_TIMEOUT, allow_redirects=False
    )
    if answer.status_code != requests.codes.found:
        raise NotPaid(f"The pay page answered {answer.status_code}.")


def _record_behind(api: LocalServer, invoice_id: int) -> str:
    """The signed record that the first line of the invoice comes from."""
    return str(api.get(f"/api/v1/invoices/{invoice_id}")["items"][0]["order_record"])

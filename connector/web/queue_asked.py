"""What the address asks of the review queue: filters, order and page; and the same as parts of another address.

Everything lives in the address, so that a view of the queue can be sent to a colleague, and so that a document knows
which one comes after it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from flask import abort, request

from connector.services import current_services
from connector.store.queries_queue import OPEN, QUEUE_STATES, RISKS, SORTS, QueueAsked
from connector.web.lists import LONGEST_TEXT, decode_cursor

_AMOUNT = re.compile(r"[0-9]{1,12}([.][0-9]{1,3})?")
_CODE = re.compile(r"[A-Z][A-Z_]{1,39}")
_CURRENCY = re.compile(r"[A-Z]{3}")
_DAYS = re.compile(r"[0-9]{1,4}")
# What an address carries from the queue to a document and back.
FROM_QUEUE = "queue"


@dataclass(frozen=True, slots=True)
class QueueView:
    """What the address asks for, and the same as arguments of an address (`kept`, without the page)."""

    asked: QueueAsked
    after: int | None
    older: str
    least: str
    most: str

    @property
    def kept(self) -> dict[str, Any]:
        """The filters and the order as arguments; what is as usual is left out."""
        asked = self.asked
        return {
            "state": None if asked.state == OPEN else asked.state,
            "q": asked.text or None,
            "risk": asked.risk or None,
            "code": asked.code or None,
            "currency": asked.currency or None,
            "least": self.least or None,
            "most": self.most or None,
            "older": self.older or None,
            "sort": None if asked.sort == "age" else asked.sort,
        }

    @property
    def is_narrowed(self) -> bool:
        """Whether anything but state and order was asked for."""
        asked = replace(self.asked, state=OPEN, sort="age")
        return asked != QueueAsked() or self.after is not None


def queue_view() -> QueueView:
    """The view that this request asks for. Whatever cannot be is a 400 that says which."""
    value = _argument
    state = value("state") or OPEN
    text, sort = value("q").strip(), value("sort") or "age"
    _refuse_unless(state in QUEUE_STATES, f"There is no state {state[:40]!r}.")
    _refuse_unless(sort in SORTS, f"The queue cannot be sorted by {sort[:40]!r}.")
    risk, code, currency = value("risk"), value("code"), value("currency")
    _refuse_unless(risk in ("", *RISKS), f"There is no risk {risk[:40]!r}.")
    _refuse_unless(not code or bool(_CODE.fullmatch(code)), f"There is no warning {code[:40]!r}.")
    _refuse_unless(not currency or bool(_CURRENCY.fullmatch(currency)), "A currency is written like EUR.")
    least, most, older = value("least"), value("most"), value("older")
    for amount in (least, most):
        _refuse_unless(not amount or bool(_AMOUNT.fullmatch(amount)), "An amount is written like 1500 or 99.50.")
    _refuse_unless(not older or bool(_DAYS.fullmatch(older)), "The age is a number of days, such as 30.")
    asked = QueueAsked(
        state=state,
        text=text,
        risk=risk,
        code=code,
        currency=currency,
        least=Decimal(least) if least else None,
        most=Decimal(most) if most else None,
        billed_until=_today() - timedelta(days=int(older)) if older else None,
        sort=sort,
    )
    return QueueView(asked, _cursor(value("after")), older, least, most)


def _cursor(text: str) -> int | None:
    key = decode_cursor(text) if text else None
    _refuse_unless(not text or key is not None, "The address of this page is not complete; start again from the queue.")
    return key


def _argument(name: str) -> str:
    found = request.args.get(name, "")
    is_plain = len(found) <= LONGEST_TEXT and "\x00" not in found
    _refuse_unless(is_plain, f"At most {LONGEST_TEXT} ordinary characters can be looked for.")
    return found


def _refuse_unless(is_good: bool, message: str) -> None:
    if not is_good:
        abort(400, description=message)


def _today() -> date:
    return current_services().clock.now().date()

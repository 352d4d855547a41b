"""The address that Airwallex sends its events to: verify, read which object it is about, keep, answer 200.

Only 200 counts as received there; anything else is sent again for about three days. Nothing of an event is believed but
which object to look at. There is no session here, so the blueprint is exempt from CSRF protection.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, NoReturn

from flask import Blueprint, Response, jsonify, request
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from connector.domain.collecting import ObjectKind
from connector.errors import NotFound, Refused
from connector.logs import log
from connector.problems import problem_of, problem_of_http
from connector.services import Services, current_services
from connector.usecases.receive_message import Receipt
from connector.usecases.receive_payment_event import NewEvent, receive_payment_events
from webhooks.airwallex_signatures import verify_airwallex
from webhooks.counts import count_receipt, count_refusal
from webhooks.faults import BodyRefused

BLUEPRINT = Blueprint("webhooks_airwallex", __name__, url_prefix="/webhooks/airwallex")

_LARGEST_BODY = 1024 * 1024
_ID = re.compile(r"[\x21-\x7e]{1,150}")
_NAME = re.compile(r"[a-z_]{1,60}(\.[a-z_]{1,60}){0,3}")
_SHAPE = 'Send {"id", "name", "data"} as Airwallex does.'
# The first part of an event's name -> the kind of the object that it is about.
_KINDS = {
    "payment_intent": ObjectKind.PAYMENT,
    "payment_link": ObjectKind.LINK,
    "refund": ObjectKind.REFUND,
    "payment_dispute": ObjectKind.DISPUTE,
    "deposit": ObjectKind.DEPOSIT,
}


class AirwallexOff(NotFound):
    """Airwallex is not the payment provider here."""

    code = "PROVIDER_OFF"
    owner = "sender"
    fix = 'Set [payments] provider = "airwallex", or delete the webhook in the Airwallex web app.'


@BLUEPRINT.post("")
def receive_events() -> Response:
    """One event: kept, or known already."""
    services = current_services()
    provider = services.payments
    if provider is None or provider.name != "airwallex":
        raise AirwallexOff
    body = _read_body(services)
    is_on_time = verify_airwallex(
        body=body,
        timestamp=request.headers.get("x-timestamp", ""),
        signature=request.headers.get("x-signature", ""),
        secrets=[one.get_secret_value() for one in services.config.secrets.airwallex.webhook_secrets],
        now=services.clock.now(),
    )
    event = read_event(
        body=body,
        environment=provider.environment,
        account=services.config.airwallex.account_id,
        is_late=not is_on_time,
    )
    new = receive_payment_events(database=services.database, clock=services.clock, events=[event])
    count_receipt(source=str(request.endpoint), receipt=Receipt(new=new, known=1 - new))
    return jsonify(accepted=new, known=1 - new)


@BLUEPRINT.errorhandler(Refused)
def answer_refused(error: Refused) -> Response:
    """A refusal is logged and counted."""
    log.warning("webhook_refused", source=request.endpoint, code=error.code, error=str(error))
    count_refusal(source=str(request.endpoint), code=error.code)
    return problem_of(error)


@BLUEPRINT.errorhandler(HTTPException)
def answer_http_exception(error: HTTPException) -> Response:
    """What Flask refuses by itself, above all a body that is too large."""
    log.warning("webhook_refused", source=request.endpoint, code=f"HTTP_{error.code}")
    count_refusal(source=str(request.endpoint), code=f"HTTP_{error.code}")
    return problem_of_http(error)


def read_event(*, body: bytes, environment: str, account: str, is_late: bool) -> NewEvent:
    """Which object a signed body is about. Raises BodyRefused when it cannot be kept by an id.

    What is about nothing of ours, or another account, is kept as ignored with the reason.
    """
    document = _document(body)
    event_id, name = document.get("id"), document.get("name")
    if not isinstance(event_id, str) or not _ID.fullmatch(event_id):
        raise BodyRefused("The event has no id of 1 to 150 visible characters.", fix=_SHAPE)
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise BodyRefused("The event has no name such as payment_intent.succeeded.", fix=_SHAPE)
    kind, ref = _KINDS.get(name.partition(".")[0]), _ref(document)
    return NewEvent(
        provider="airwallex",
        environment=environment,
        event_id=event_id,
        name=name,
        kind=kind.value if kind else "other",
        ref=ref,
        source="webhook",
        is_late=is_late,
        body=body,
        ignored_because=_ignored_because(document, name, kind, ref, account),
    )


def _read_body(services: Services) -> bytes:
    """The raw body; too large is refused before it is read, or, sent in chunks, as soon as the limit is passed."""
    limit = min(_LARGEST_BODY, services.config.web.largest_body)
    request.max_content_length = limit + 1
    body = request.get_data(cache=False)
    if len(body) > limit:
        raise RequestEntityTooLarge
    return body


def _document(body: bytes) -> Mapping[str, Any]:
    try:
        found = json.loads(body, parse_float=Decimal, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise BodyRefused("The body is not JSON.", fix=_SHAPE) from error
    if not isinstance(found, Mapping):
        raise BodyRefused("The body is not an object.", fix=_SHAPE)
    return found


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _ref(document: Mapping[str, Any]) -> str:
    """The id of the object: payments put it into data.object, deposits straight into data."""
    data = document.get("data")
    data = data if isinstance(data, Mapping) else {}
    inner = data.get("object")
    found = (inner if isinstance(inner, Mapping) else data).get("id") or document.get("source_id")
    return found if isinstance(found, str) and _ID.fullmatch(found) else ""


def _ignored_because(document: Mapping[str, Any], name: str, kind: ObjectKind | None, ref: str, account: str) -> str:
    # The name of the key was another one in older versions.
    named = document.get("account_id") or document.get("accountId")
    if account and named != account:
        return "It is about another account than [airwallex] account_id."
    if kind is None:
        return f"Nobody looks at {name.partition('.')[0]} events; they need not be subscribed to."
    return "" if ref else "It names no object."

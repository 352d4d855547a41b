"""The address that Stigg sends its events to: check the secret, read whom it may be about, keep, answer 200.

Stigg signs nothing; the secret itself stands in a header, so a body proves nothing and only names what to look at.
Anything but 2xx within 30 seconds is sent again some times and then lost. There is no session here, so the blueprint is
exempt from CSRF protection.
"""

from __future__ import annotations

import hmac
import json
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, NoReturn

from flask import Blueprint, Response, jsonify, request
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from connector.errors import NotFound, Refused
from connector.logs import log
from connector.problems import problem_of, problem_of_http
from connector.services import Services, current_services
from connector.usecases.receive_access_hint import AccessHint, receive_access_hint
from webhooks.counts import count_receipt, count_refusal
from webhooks.faults import BodyRefused

BLUEPRINT = Blueprint("webhooks_stigg", __name__, url_prefix="/webhooks/stigg")

_LARGEST_BODY = 1024 * 1024
_ID = re.compile(r"[\x21-\x7e]{1,150}")
_NAME = re.compile(r"[A-Za-z_]{1,60}(\.[A-Za-z_]{1,60}){0,3}")
_SHAPE = 'Send {"messageId", "type"} and the entity, as Stigg does.'
# First parts of the names of events that tell of access; both spellings of Stigg's pages are among them.
_ABOUT_ACCESS = {"subscription", "contract", "customer", "entitlements", "promotional_entitlement", "trial"}
_REF_NAMES = ("id", "entityId", "refId", "externalId", "customerId", "subscriptionId", "contractId", "contractRefId")
_PARTS = ("customer", "subscription", "contract")


class WrongSecret(Refused):
    """The request does not bring the secret of our webhook."""

    code = "WRONG_SECRET"
    owner = "sender"
    fix = "Copy the secret of the webhook from Stigg (Settings, Integrations) into COUNTERSIGN_STIGG_WEBHOOK_SECRETS."
    http_status = 401


class StiggOff(NotFound):
    """Stigg is not the entitlement platform here."""

    code = "PLATFORM_OFF"
    owner = "sender"
    fix = 'Set [entitlements] platform = "stigg", or delete the webhook in Stigg.'


@BLUEPRINT.post("")
def receive_events() -> Response:
    """One event: kept, or known already."""
    services = current_services()
    if services.config.entitlements.platform != "stigg":
        raise StiggOff
    _check_secret(services)
    body = _read_body(services)
    receipt = receive_access_hint(
        database=services.database,
        starter=services.starter,
        clock=services.clock,
        hint=read_hint(body=body),
        body=body,
        content_type="application/json",
    )
    count_receipt(source=str(request.endpoint), receipt=receipt)
    return jsonify(accepted=receipt.new, known=receipt.known)


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


def read_hint(*, body: bytes) -> AccessHint:
    """Whom an event may be about. Raises BodyRefused when it cannot be kept by an id.

    Both shapes of Stigg's documentation are read: the entity's fields beside the event's, or in `data`.
    """
    document = _document(body)
    message_id, name = document.get("messageId"), document.get("type")
    if not isinstance(message_id, str) or not _ID.fullmatch(message_id):
        raise BodyRefused("The event has no messageId of 1 to 150 visible characters.", fix=_SHAPE)
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise BodyRefused("The event has no type such as subscription.updated.", fix=_SHAPE)
    about = name.partition(".")[0]
    reason = "" if about in _ABOUT_ACCESS else f"Events of {about} tell nothing of granted access."
    return AccessHint("stigg", message_id, tuple(dict.fromkeys(_refs(document))), reason)


def _check_secret(services: Services) -> None:
    given = request.headers.get("Stigg-Webhooks-Secret", "").encode("utf-8", "replace")
    known = [one.get_secret_value().encode() for one in services.config.secrets.stigg.webhook_secrets]
    if not known:
        raise WrongSecret("No webhook secret of Stigg is set, so no event can be accepted.")
    # All are compared, so that the time taken does not tell which one fits.
    if not sum(hmac.compare_digest(one, given) for one in known):
        raise WrongSecret("The header Stigg-Webhooks-Secret does not hold our secret.")


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


def _refs(document: Mapping[str, Any]) -> Iterator[str]:
    """Every text that may be the id of a customer, contract or subscription; the event's own ids are harmless."""
    data = document.get("data")
    for entity in (document, data):
        if isinstance(entity, Mapping):
            for part in (entity, *(entity.get(name) for name in _PARTS)):
                yield from _ids(part)


def _ids(part: Any) -> Iterator[str]:
    if isinstance(part, Mapping):
        for name in _REF_NAMES:
            if isinstance(part.get(name), str) and _ID.fullmatch(part[name]):
                yield part[name]
    elif isinstance(part, str) and _ID.fullmatch(part):
        yield part

"""The addresses that Salesforce sends to: outbound messages (SOAP) and signed events (JSON).

A view verifies, reads, hands over and answers; it decides nothing. The answer goes out after the commit, because
Salesforce forgets what was acknowledged and sends again, for 24 hours, what was not. There is no session here, so the
blueprint is exempt from CSRF protection.
"""

from __future__ import annotations

from flask import Blueprint, Response, jsonify, request
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from connector.errors import Refused
from connector.logs import log
from connector.problems import problem_of, problem_of_http
from connector.services import Services, current_services
from connector.usecases.limit_callers import TooManyCalls
from connector.usecases.receive_message import Message, Receipt
from webhooks.counts import count_receipt, count_refusal
from webhooks.events import read_events
from webhooks.outbound_messages import read_outbound_messages
from webhooks.senders import admit_push, check_certificate, org_of_signature, org_of_token
from webhooks.signatures import SignedHeaders

BLUEPRINT = Blueprint("webhooks_salesforce", __name__, url_prefix="/webhooks/salesforce")

# Salesforce takes anything but this text for a failed delivery.
_ACK = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/">\n'
    " <soapenv:Body>\n"
    '  <notificationsResponse xmlns="http://soap.sforce.com/2005/09/outbound"><Ack>true</Ack></notificationsResponse>\n'
    " </soapenv:Body></soapenv:Envelope>\n"
)
_ACK_TYPE = "text/xml; charset=UTF-8"
_LONGEST_CONTENT_TYPE = 200


@BLUEPRINT.post("/outbound/<token>")
def receive_outbound_messages(token: str) -> Response:
    """Outbound messages: one Ack for all notifications of the body."""
    services = current_services()
    org = org_of_token(services=services, token=token)
    check_certificate(services=services, org=org, header=request.headers.get)
    admit_push(services=services, org=org)
    body = _read_body(services)
    _receive(services, body=body, messages=read_outbound_messages(body=body, org=org))
    return Response(_ACK, content_type=_ACK_TYPE)


@BLUEPRINT.post("/events")
def receive_events() -> tuple[Response, int]:
    """Signed events: how many messages were new, and how many were known."""
    services = current_services()
    headers = _signed_headers()
    body = _read_body(services)
    org = org_of_signature(services=services, body=body, headers=headers, now=services.clock.now())
    admit_push(services=services, org=org)
    messages = read_events(body=body, webhook_id=headers.message_id, org=org)
    receipt = _receive(services, body=body, messages=messages)
    return jsonify(accepted=receipt.new, known=receipt.known), 202


@BLUEPRINT.errorhandler(Refused)
def answer_refused(error: Refused) -> Response:
    """A refusal is logged without the address, which holds a token, and counted."""
    log.warning("webhook_refused", source=request.endpoint, code=error.code, error=str(error))
    count_refusal(source=str(request.endpoint), code=error.code)
    return problem_of(error)


@BLUEPRINT.errorhandler(TooManyCalls)
def answer_too_many(error: TooManyCalls) -> Response:
    """Salesforce keeps what was not acknowledged and sends it again, for 24 hours; nothing is lost."""
    log.warning("webhook_refused", source=request.endpoint, code=error.code)
    count_refusal(source=str(request.endpoint), code=error.code)
    return problem_of(error)


@BLUEPRINT.errorhandler(HTTPException)
def answer_http_exception(error: HTTPException) -> Response:
    """What Flask refuses by itself, above all a body that is too large."""
    log.warning("webhook_refused", source=request.endpoint, code=f"HTTP_{error.code}")
    count_refusal(source=str(request.endpoint), code=f"HTTP_{error.code}")
    return problem_of_http(error)


def _read_body(services: Services) -> bytes:
    """The raw body. Too large is refused before it is read, or, sent in chunks, as soon as the limit is passed."""
    limit = services.config.web.largest_body
    # A body in chunks is cut at Flask's limit without a word, so one byte more is let in to see that it is too much.
    request.max_content_length = limit + 1
    body = request.get_data(cache=False)
    if len(body) > limit:
        raise RequestEntityTooLarge
    return body


def _signed_headers() -> SignedHeaders:
    return SignedHeaders(
        message_id=request.headers.get("webhook-id", ""),
        timestamp=request.headers.get("webhook-timestamp", ""),
        signature=request.headers.get("webhook-signature", ""),
    )


def _receive(services: Services, *, body: bytes, messages: tuple[Message, ...]) -> Receipt:
    receipt = services.postbox.receive(messages=messages, body=body, content_type=_content_type())
    count_receipt(source=str(request.endpoint), receipt=receipt)
    return receipt


def _content_type() -> str:
    """What the sender says the body is, short and printable: it is stored beside the body and shown to people."""
    return "".join(filter(str.isprintable, request.content_type or ""))[:_LONGEST_CONTENT_TYPE]

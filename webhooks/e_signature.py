"""The addresses that e-signature providers send to: verify, read which envelope it is, keep, answer as each expects.

Nothing of an event is believed but which envelope to fetch or which record to look at. There is no session here, so the
blueprint is exempt from CSRF protection.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from flask import Blueprint, Response, jsonify, request
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from connector.errors import Refused
from connector.logs import log
from connector.problems import problem_of, problem_of_http
from connector.services import current_services
from connector.usecases.receive_envelope import EnvelopeTold
from webhooks import esign
from webhooks.counts import count_receipt, count_refusal
from webhooks.faults import BodyRefused

BLUEPRINT = Blueprint("webhooks_e_signature", __name__, url_prefix="/webhooks")

_LARGEST_BODY = 2 * 1024 * 1024
_ADOBE_HEADER = "X-AdobeSign-ClientId"
_MOST_SIGNATURES = 20


@BLUEPRINT.post("/docusign")
def receive_docusign() -> Response:
    """DocuSign Connect: 200 within seconds, anything else is sent again."""
    secrets, body = current_services().config.secrets.signing, _read_body()
    given = (request.headers.get(f"X-DocuSign-Signature-{number}", "") for number in range(1, _MOST_SIGNATURES))
    esign.verify_docusign(body=body, signatures=[one for one in given if one], keys=_plain(secrets.docusign_keys))
    field = current_services().config.docusign.record_field
    return _receive([esign.read_docusign(body=body, record_field=field)], body)


@BLUEPRINT.post("/pandadoc")
def receive_pandadoc() -> Response:
    """PandaDoc: the signature is in the address."""
    body = _read_body()
    keys = _plain(current_services().config.secrets.signing.pandadoc_keys)
    esign.verify_pandadoc(body=body, signature=request.args.get("signature", ""), keys=keys)
    return _receive(esign.read_pandadoc(body=body), body)


@BLUEPRINT.post("/dropbox-sign")
def receive_dropbox_sign() -> Response:
    """Dropbox Sign: a form with JSON in the field `json`, and an answer with words of its own."""
    request.max_content_length = _LARGEST_BODY
    body = request.form.get("json", "").encode()
    document: Any = esign.read_json(body)
    if not isinstance(document, Mapping):
        raise BodyRefused("The field json holds no object.", fix="Send the event as Dropbox Sign does.")
    keys = _plain(current_services().config.secrets.signing.dropbox_sign_keys)
    esign.verify_dropbox_sign(document=document, keys=keys)
    _receive([esign.read_dropbox_sign(document=document)], body)
    return Response("Hello API Event Received", content_type="text/plain; charset=utf-8")


@BLUEPRINT.get("/adobe-sign")
def check_adobe_sign() -> Response:
    """Adobe asks once whether we are the ones who know its client id."""
    return _echoed(jsonify(xAdobeSignClientId=_adobe_client()))


@BLUEPRINT.post("/adobe-sign")
def receive_adobe_sign() -> Response:
    """Adobe Acrobat Sign: the client id is echoed in each answer."""
    _adobe_client()
    body = _read_body()
    return _echoed(_receive([esign.read_adobe_sign(body=body)], body))


@BLUEPRINT.errorhandler(Refused)
def answer_refused(error: Refused) -> Response:
    """A refusal is logged without the address, which may hold a signature, and counted."""
    log.warning("webhook_refused", source=request.endpoint, code=error.code, error=str(error))
    count_refusal(source=str(request.endpoint), code=error.code)
    return problem_of(error)


@BLUEPRINT.errorhandler(HTTPException)
def answer_http_exception(error: HTTPException) -> Response:
    """What Flask refuses by itself, above all a body that is too large."""
    log.warning("webhook_refused", source=request.endpoint, code=f"HTTP_{error.code}")
    count_refusal(source=str(request.endpoint), code=f"HTTP_{error.code}")
    return problem_of_http(error)


def _adobe_client() -> str:
    known = _plain(current_services().config.secrets.signing.adobe_sign_clients)
    return esign.verify_adobe_sign(client_id=request.headers.get(_ADOBE_HEADER, ""), known=known)


def _echoed(answer: Response) -> Response:
    answer.headers[_ADOBE_HEADER] = _adobe_client()
    return answer


def _receive(told: Sequence[EnvelopeTold], body: bytes) -> Response:
    content_type = "".join(filter(str.isprintable, request.content_type or ""))[:200]
    receipt = current_services().envelopes.receive(told=told, body=body, content_type=content_type)
    count_receipt(source=str(request.endpoint), receipt=receipt)
    return jsonify(accepted=receipt.new, known=receipt.known)


def _read_body() -> bytes:
    # One byte more is let in, to see that a body in chunks is too much.
    request.max_content_length = _LARGEST_BODY + 1
    body = request.get_data(cache=False)
    if len(body) > _LARGEST_BODY:
        raise RequestEntityTooLarge
    return body


def _plain(secrets: Iterable[Any]) -> list[str]:
    return [one.get_secret_value() for one in secrets]

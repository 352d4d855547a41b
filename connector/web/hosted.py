"""The customer's pages: a shared document, what comes next, and the files, opened by the token in the address alone.

Nobody signs in here and nothing is written. Whatever a token does not open gets one answer, whyever; who asks for very
many of those waits.
"""

from __future__ import annotations

from datetime import timedelta

from flask import Blueprint, Response, current_app, request
from werkzeug.exceptions import HTTPException

from connector.errors import NotFound, Refused, Retryable
from connector.problems import problem_of_bug
from connector.services import current_services
from connector.usecases.open_file import FileRefused, OpenedFile
from connector.usecases.show_hosted import (
    missing_page,
    open_shared_file,
    preparing_page,
    show_hosted,
    show_upcoming,
)
from connector.web.files import file_answer
from connector.web.misses import MissCounter

hosted = Blueprint("hosted", __name__, url_prefix="/invoice")

# An honest reader misses once or twice; whoever misses so often is guessing, or a robot.
_MOST_MISSES, _WITHIN = 60, timedelta(minutes=5)
_RETRY_AFTER = "300"


@hosted.before_request
def refuse_guessing() -> Response | None:
    """An address that missed too often waits, before anything is looked up."""
    if _misses().is_over(address=request.remote_addr or "", now=current_services().clock.now()):
        return Response(missing_page(), status=429, headers={"Retry-After": _RETRY_AFTER})
    return None


@hosted.get("/<token:token>")
def show(token: str) -> Response:
    """The document that the link was made for."""
    return _page(show_hosted(desk=current_services().front, token=token, language=_language()))


@hosted.get("/<token:token>/documents/<name:number>")
def show_other(token: str, number: str) -> Response:
    """Another document of the same account."""
    return _page(show_hosted(desk=current_services().front, token=token, number=number, language=_language()))


@hosted.get("/<token:token>/upcoming")
def upcoming(token: str) -> Response:
    """What will be billed next."""
    return _page(show_upcoming(desk=current_services().front, token=token, language=_language()))


@hosted.get("/<token:token>.<any(pdf, xml):kind>")
def show_file(token: str, kind: str) -> Response:
    """The PDF or the XML, byte for byte as it was made."""
    return _file(open_shared_file(desk=current_services().front, token=token, kind=kind))


@hosted.get("/<token:token>/documents/<token:number>.<any(pdf, xml):kind>")
def show_other_file(token: str, number: str, kind: str) -> Response:
    """The files of another document of the same account."""
    return _file(open_shared_file(desk=current_services().front, token=token, number=number, kind=kind))


def answer_missing() -> Response:
    """The one answer for whatever opens nothing."""
    _misses().count(address=request.remote_addr or "", now=current_services().clock.now())
    return Response(missing_page(), status=404)


def _misses() -> MissCounter:
    """The counter of this application."""
    fresh = MissCounter(most=_MOST_MISSES, within=_WITHIN)
    found: MissCounter = current_app.extensions.setdefault("countersign-misses", fresh)
    return found


def _language() -> str:
    return request.args.get("lang", "")[:5]


def _page(html: str | None) -> Response:
    return answer_missing() if html is None else Response(html)


def _file(found: OpenedFile | None) -> Response:
    return answer_missing() if found is None else file_answer(found)


@hosted.errorhandler(FileRefused)
@hosted.errorhandler(NotFound)
def _no_such_file(_error: Refused) -> Response:
    return answer_missing()


@hosted.errorhandler(Retryable)
def _not_now(_error: Retryable) -> Response:
    """A file that is being made, or a database that is away."""
    return Response(preparing_page(), status=503, headers={"Retry-After": "5"})


@hosted.errorhandler(Exception)
def _bug(error: Exception) -> Response | HTTPException:
    if isinstance(error, HTTPException):
        return error
    problem_of_bug(error)
    return Response(preparing_page(), status=500)

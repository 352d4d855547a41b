"""One address of the API as a value: who may call it, what it takes, what it answers, and the view behind it.

The same value serves the request and makes the documentation, so the two cannot differ.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from flask import Blueprint, Response, g, request
from pydantic import BaseModel

from connector.problems import problem
from connector.services import current_services
from connector.usecases.issue_tokens import check_token
from connector.web.api.reading import read_body, read_parameters, refuse_parameters
from connector.web.api.requests import Request

_REALM = 'Bearer realm="countersign"'


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An address: any one of `scopes` opens it; `parameters` and `body` are None when it takes none; `upload`
    says that it takes a file as multipart/form-data.

    `answer` None: the view answers with a file of the type `media`. `location` names the field of the answer that goes
    into the header Location. `refusals` are the statuses that it may answer beside those that every address may.
    """

    method: str
    path: str
    view: Callable[..., BaseModel | Response]
    summary: str
    scopes: tuple[str, ...]
    answer: type[BaseModel] | None
    parameters: type[Request] | None = None
    body: type[Request] | None = None
    upload: bool = False
    status: int = 200
    location: str = ""
    refusals: tuple[int, ...] = ()
    media: str = "application/json"

    @property
    def name(self) -> str:
        """A name of its own, also the operation id."""
        return self.view.__name__


def register(*, blueprint: Blueprint, endpoint: Endpoint) -> None:
    """Serve the endpoint on that blueprint."""
    blueprint.add_url_rule(
        endpoint.path.replace("{", "<name:").replace("}", ">"),
        endpoint=endpoint.name,
        view_func=partial(_serve, endpoint),
        methods=[endpoint.method],
    )


def _serve(endpoint: Endpoint, **path: str) -> Response:
    refusal = _refusal(endpoint.scopes)
    if refusal is not None:
        return refusal
    asked: dict[str, Any] = dict(path)
    if endpoint.parameters is not None:
        asked["parameters"] = read_parameters(endpoint.parameters)
    else:
        refuse_parameters()
    if endpoint.body is not None:
        asked["body"] = read_body(endpoint.body)
    return _answered(endpoint, endpoint.view(**asked))


def _refusal(scopes: tuple[str, ...]) -> Response | None:
    """None when the request carries a token with one of the scopes; else the answer that says what is missing."""
    header = request.headers.get("Authorization", "")
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        return _unauthorised("This address needs an API token.", _REALM)
    services = current_services()
    found = check_token(database=services.database, clock=services.clock, token=token.strip())
    if found is None:
        return _unauthorised("The API token is not known or was revoked.", f'{_REALM}, error="invalid_token"')
    per_minute = services.config.web.api_calls_per_minute
    services.limits.admit(kind="token", caller=str(found.id), per_minute=per_minute)
    if set(scopes).isdisjoint(found.scopes):
        return _forbidden(scopes)
    g.token = found
    return None


def _unauthorised(detail: str, challenge: str) -> Response:
    fix = "Send Authorization: Bearer with a token made by `countersign token create`."
    answer = problem(401, "UNAUTHORIZED", "Who is asking is not known.", detail, fix)
    answer.headers["WWW-Authenticate"] = challenge
    return answer


def _forbidden(scopes: tuple[str, ...]) -> Response:
    needed = " or ".join(scopes)
    detail = f"The API token lacks the scope {needed}."
    answer = problem(
        403, "MISSING_SCOPE", "The token may not do this.", detail, f"Use a token with the scope {needed}."
    )
    answer.headers["WWW-Authenticate"] = f'{_REALM}, error="insufficient_scope", scope="{scopes[0]}"'
    return answer


def _answered(endpoint: Endpoint, answer: BaseModel | Response) -> Response:
    if isinstance(answer, Response):
        return answer
    response = Response(answer.model_dump_json(), status=endpoint.status, content_type="application/json")
    if endpoint.location:
        response.headers["Location"] = getattr(answer, endpoint.location)
    return response

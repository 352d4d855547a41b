"""Composite and batch: several calls in one request, with references from one part to the answer of another.

The outer answer is 200 even when every part failed, as on the real platform; callers must look at each part.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from connector.sandbox.errors import Refusal
from connector.sandbox.org import DATA, Answer, Call, Org, call_from_url
from connector.sandbox.values import show

MOST_PARTS = 25
MOST_QUERIES = 5
REFERENCE = re.compile(r"@\{(\w+)((?:\.\w+|\[\d{1,4}\])*)\}")
NAME = re.compile(r"^\w+$")
ROLLED_BACK = "The transaction was rolled back since another operation in the same transaction failed."
Dispatch = Callable[[Org, Call], Answer]


class _RollBack(Exception):
    """A part failed in an all-or-none composite."""


def composite(org: Org, call: Call, dispatch: Dispatch) -> Answer:
    """The answer of `composite`. Raises `Refusal` for a request that cannot be read at all."""
    body = call.record_body()
    parts = _parts(body)
    answers: dict[str, Any] = {}
    if body.get("allOrNone") is not True:
        return Answer(200, {"compositeResponse": [_run(org, part, answers, dispatch) for part in parts]})
    results: list[dict[str, Any]] = []
    try:
        with org.records.savepoint():
            for part in parts:
                results.append(_run(org, part, answers, dispatch))
                if results[-1]["httpStatusCode"] >= 400:
                    raise _RollBack
    except _RollBack:
        failed = results.pop()
        results = [_halted(part["referenceId"], ROLLED_BACK) for part in parts]
        results[next(at for at, part in enumerate(parts) if part["referenceId"] == failed["referenceId"])] = failed
    return Answer(200, {"compositeResponse": results})


def _parts(body: dict[str, Any]) -> list[dict[str, Any]]:
    parts = body.get("compositeRequest")
    if not isinstance(parts, list) or not parts or not all(isinstance(part, dict) for part in parts):
        raise Refusal("JSON_PARSER_ERROR", "compositeRequest must be a list of subrequests")
    if len(parts) > MOST_PARTS:
        text = f"The number of subrequests exceeded the limit of {MOST_PARTS}: {len(parts)}"
        raise Refusal("LIMIT_EXCEEDED", text)
    names: set[str] = set()
    for part in parts:
        name = part.get("referenceId")
        if not isinstance(part.get("url"), str) or not isinstance(part.get("method"), str):
            raise Refusal("JSON_PARSER_ERROR", "every subrequest needs method and url")
        if not isinstance(name, str) or not NAME.match(name):
            raise Refusal("INVALID_INPUT", f"referenceId must be letters, digits and underscores: {name!r}")
        if name in names:
            raise Refusal("INVALID_INPUT", f"Duplicate referenceId provided: {name}")
        names.add(name)
    heavy = sum(_is_heavy(part["url"]) for part in parts)
    if heavy > MOST_QUERIES:
        text = f"at most {MOST_QUERIES} subrequests may be queries or sObject collections: {heavy}"
        raise Refusal("LIMIT_EXCEEDED", text)
    return parts


def _is_heavy(url: str) -> bool:
    return bool(re.match(r"/services/data/v[\d.]+/(query|queryAll|composite/sobjects)\b", url))


def _run(org: Org, part: dict[str, Any], answers: dict[str, Any], dispatch: Dispatch) -> dict[str, Any]:
    name = part["referenceId"]
    try:
        url = _filled(part["url"], answers)
        body = _filled(part.get("body"), answers)
        headers = part.get("httpHeaders") if isinstance(part.get("httpHeaders"), dict) else {}
        inner = call_from_url(part["method"].upper(), str(url), body=body, headers=headers or {})
        _check_inner(inner)
    except Refusal as refusal:
        return _result(name, Answer(refusal.status, [refusal.plain()]))
    answer = dispatch(org, inner)
    if answer.status < 400:
        answers[name] = answer.body
    return _result(name, answer)


def _check_inner(inner: Call) -> None:
    if inner.segments[:1] == ("composite",) and inner.segments[1:2] != ("sobjects",):
        raise Refusal("INVALID_INPUT", "a composite cannot stand inside a composite")


def _result(name: str, answer: Answer) -> dict[str, Any]:
    return {
        "body": answer.body,
        "httpHeaders": dict(answer.headers),
        "httpStatusCode": answer.status,
        "referenceId": name,
    }


def _halted(name: str, text: str) -> dict[str, Any]:
    return _result(name, Answer(400, [Refusal("PROCESSING_HALTED", text).plain()]))


def _filled(value: Any, answers: Mapping[str, Any]) -> Any:
    """`value` with every `@{reference}` replaced. Raises `Refusal` PROCESSING_HALTED for a dangling one."""
    if isinstance(value, dict):
        return {key: _filled(item, answers) for key, item in value.items()}
    if isinstance(value, list):
        return [_filled(item, answers) for item in value]
    if not isinstance(value, str) or "@{" not in value:
        return value
    whole = REFERENCE.fullmatch(value)
    if whole:
        return _looked_up(whole, answers)
    return REFERENCE.sub(lambda match: str(show(_looked_up(match, answers))), value)


def _looked_up(match: re.Match[str], answers: Mapping[str, Any]) -> Any:
    name, path = match.groups()
    if name not in answers:
        raise Refusal("PROCESSING_HALTED", f"Invalid reference specified. No value for {name} found in {name}")
    current: Any = answers[name]
    for step in re.findall(r"\w+", path):
        if isinstance(current, list) and step.isdigit() and int(step) < len(current):
            current = current[int(step)]
        elif isinstance(current, dict) and (key := _key(current, step)) is not None:
            current = current[key]
        else:
            text = f"Invalid reference specified. No value for {name}{path} found in {name}"
            raise Refusal("PROCESSING_HALTED", text)
    if isinstance(current, dict | list):
        text = f"Invalid reference specified. {name}{path} is not a single value"
        raise Refusal("PROCESSING_HALTED", text)
    return current


def _key(found: dict[str, Any], step: str) -> str | None:
    """The key of an answer under any case: `@{ref.Id}` also finds `id` of a create."""
    return step if step in found else next((key for key in found if key.lower() == step.lower()), None)


def batch(org: Org, call: Call, dispatch: Dispatch) -> Answer:
    """The answer of `composite/batch`: independent parts, no references."""
    body = call.record_body()
    parts = body.get("batchRequests")
    if not isinstance(parts, list) or not parts or not all(isinstance(part, dict) for part in parts):
        raise Refusal("JSON_PARSER_ERROR", "batchRequests must be a list of subrequests")
    if len(parts) > MOST_PARTS:
        raise Refusal("LIMIT_EXCEEDED", f"The number of subrequests exceeded the limit of {MOST_PARTS}: {len(parts)}")
    results: list[dict[str, Any]] = []
    for part in parts:
        if body.get("haltOnError") is True and any(item["statusCode"] >= 400 for item in results):
            halted = Refusal("BATCH_PROCESSING_HALTED", "Batch processing halted per request")
            results.append({"statusCode": 412, "result": [halted.plain()]})
            continue
        answer = _batch_part(org, part, dispatch)
        results.append({"statusCode": answer.status, "result": answer.body})
    return Answer(200, {"hasErrors": any(item["statusCode"] >= 400 for item in results), "results": results})


def _batch_part(org: Org, part: dict[str, Any], dispatch: Dispatch) -> Answer:
    try:
        url = str(part.get("url", ""))
        full_url = url if url.startswith(DATA) else DATA + url.lstrip("/")
        method = str(part.get("method", "")).upper()
        inner = call_from_url(method, full_url, body=part.get("richInput"), headers={})
        _check_inner(inner)
    except Refusal as refusal:
        return Answer(refusal.status, [refusal.plain()])
    return dispatch(org, inner)

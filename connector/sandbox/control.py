"""Control over HTTP, for scripts in another process: records, faults, pushes, clock, counters. JSON in, JSON out.

Every endpoint is one call of a `Sandbox` method; nothing is decided here. Guarded by `guard.py`.
"""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, request

from connector.sandbox import guard, story
from connector.sandbox.errors import Refusal
from connector.sandbox.values import parse_datetime, show, to_json

if TYPE_CHECKING:
    from connector.sandbox.sandbox import Sandbox

SETTINGS = ("push_url", "event_url", "event_secret", "own_writes")


def control_blueprint(sandbox: Sandbox) -> Blueprint:
    """The endpoints below `/sandbox/`."""
    blueprint = Blueprint("control", __name__, url_prefix="/sandbox")
    control = _Control(sandbox)
    blueprint.before_request(lambda: guard.refusal(sandbox))
    for path, method, view in control.routes():
        blueprint.add_url_rule(path, endpoint=f"{method} {path}".replace(".", "_"), view_func=view, methods=[method])
    blueprint.register_error_handler(Refusal, lambda refusal: _json({"error": str(refusal)}, 400))
    for kind in (ValueError, TypeError, KeyError):
        blueprint.register_error_handler(kind, lambda error: _json({"error": str(error) or type(error).__name__}, 400))
    return blueprint


def _json(body: Any, status: int = 200) -> Response:
    return Response(to_json(body), status, content_type="application/json")


def _body() -> dict[str, Any]:
    found = json.loads(request.get_data() or b"{}", parse_float=Decimal)
    if not isinstance(found, dict):
        raise TypeError("the body must be a JSON object")
    return found


class _Control:
    """The views; one small method each."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    def routes(self) -> list[tuple[str, str, Any]]:
        """Path, method, view."""
        return [
            ("/health", "GET", self.health),
            ("/records", "POST", self.save_record),
            ("/records/<record_id>", "GET", self.show_record),
            ("/records/<record_id>", "DELETE", self.delete_record),
            ("/faults", "GET", self.list_faults),
            ("/faults", "POST", self.add_fault),
            ("/faults", "DELETE", self.clear_faults),
            ("/calls", "GET", self.list_calls),
            ("/calls", "DELETE", self.reset_calls),
            ("/pushes", "GET", self.list_pushes),
            ("/pushes", "POST", self.steer_pushes),
            ("/settings", "POST", self.change_settings),
            ("/clock", "GET", self.show_clock),
            ("/clock", "POST", self.move_clock),
            ("/tokens", "DELETE", self.expire_tokens),
            ("/story", "GET", self.show_story),
            ("/story/<key>/sign", "POST", self.sign_deal),
        ]

    def health(self) -> Response:
        """Whether it serves, and for which org."""
        return _json({"ok": True, "org_id": self._sandbox.org_id})

    def save_record(self) -> Response:
        """`{"object", "values", "id"?}`: create, or update when an id is given."""
        body = _body()
        name, values = str(body.get("object", "")), body.get("values")
        if name not in self._sandbox.schema.objects or not isinstance(values, dict):
            raise ValueError("object (a known one) and values (a JSON object) are needed")
        if body.get("id"):
            self._sandbox.update(name, str(body["id"]), values)
            return _json({"id": body["id"]})
        return _json({"id": self._sandbox.insert(name, values)}, 201)

    def show_record(self, record_id: str) -> Response:
        """All stored fields, also those hidden from the integration user."""
        row = self._sandbox.get(self._object(record_id), record_id)
        return _json({name: show(value) for name, value in row.items()})

    def delete_record(self, record_id: str) -> Response:
        """Move the record to the recycle bin."""
        self._sandbox.delete(self._object(record_id), record_id)
        return _json({"id": record_id})

    def _object(self, record_id: str) -> str:
        kind = self._sandbox.schema.by_id(record_id)
        if kind is None:
            raise ValueError(f"no object has ids like {record_id[:18]!r}")
        return kind.name

    def list_faults(self) -> Response:
        """All faults with their hits."""
        return _json({"faults": self._sandbox.faults.listing()})

    def add_fault(self) -> Response:
        """`{"kind", "method"?, "path"?, "times"?, ...}`: the options of `faults.Fault`."""
        options = _body()
        if isinstance(options.get("seconds"), Decimal):
            options["seconds"] = float(options["seconds"])
        self._sandbox.inject_fault(str(options.pop("kind", "")), **options)
        return _json({"faults": self._sandbox.faults.listing()}, 201)

    def clear_faults(self) -> Response:
        """Switch all faults off."""
        self._sandbox.faults.clear()
        return _json({"faults": []})

    def list_calls(self) -> Response:
        """Counters, and with `?log=1` the last calls."""
        calls = self._sandbox.calls
        body = calls.summary() | {"logins": self._sandbox.sessions.logins, "faults": self._sandbox.faults.listing()}
        if request.args.get("log"):
            body["log"] = [vars(entry) for entry in list(calls.log)]
        return _json(body)

    def reset_calls(self) -> Response:
        """Start counting from nothing."""
        self._sandbox.calls.reset()
        return _json(self._sandbox.calls.summary())

    def list_pushes(self) -> Response:
        """Every notification with its state."""
        pushes = self._sandbox.pushes
        return _json({"counts": pushes.counts(), "notifications": [vars(item) for item in list(pushes.log)]})

    def steer_pushes(self) -> Response:
        """`{"record", "never": true}`, `{"record", "times": 5}`, `{"flush": true}`."""
        body = _body()
        record = str(body.get("record", ""))
        if body.get("never"):
            self._sandbox.never_push(record)
        if "times" in body:
            self._sandbox.deliver_times(record, int(body["times"]))
        sent = self._sandbox.flush_pushes(everything=True) if body.get("flush") else 0
        return _json({"sent": sent, "counts": self._sandbox.pushes.counts()})

    def change_settings(self) -> Response:
        """Where pushes go, and whether own writes push: the fields of `PushSettings`."""
        body = _body()
        unknown = [name for name in body if name not in SETTINGS]
        if unknown:
            raise ValueError(f"unknown setting {', '.join(unknown)}; known: {', '.join(SETTINGS)}")
        self._sandbox.pushes.settings = replace(self._sandbox.pushes.settings, **body)
        return _json({"changed": list(body)})

    def show_clock(self) -> Response:
        """The org's time."""
        return _json({"now": show(self._sandbox.clock.now())})

    def move_clock(self) -> Response:
        """`{"set": "2026-01-01T00:00:00Z"}`, `{"advance_seconds": 60}` or `{"run": true}`."""
        body = _body()
        if "set" in body:
            self._sandbox.clock.set(parse_datetime(str(body["set"])))
        if "advance_seconds" in body:
            self._sandbox.clock.advance(seconds=timedelta(seconds=int(body["advance_seconds"])).total_seconds())
        if body.get("run"):
            self._sandbox.clock.run()
        return self.show_clock()

    def show_story(self) -> Response:
        """The seeded deals: record, how it is signed, the end to expect; and what the platform must know."""
        return _json(
            {
                "deals": [asdict(deal) for deal in self._sandbox.story],
                "custom_plans": story.CUSTOM_PLANS,
                "custom_add_ons": story.CUSTOM_ADD_ONS,
            }
        )

    def sign_deal(self, key: str) -> Response:
        """Sign one seeded deal as the sales rep."""
        deal = next((deal for deal in self._sandbox.story if deal.key == key), None)
        if deal is None:
            raise KeyError(f"no deal {key!r} in the story")
        story.sign(self._sandbox, deal)
        return _json({"id": deal.record_id})

    def expire_tokens(self) -> Response:
        """End every session."""
        self._sandbox.expire_tokens()
        return _json({"expired": True})

"""The sandbox's pages: what a sales rep would see in Salesforce, small and without any script from elsewhere.

The record page shows first what Countersign wrote back, then the deal; its two buttons do what the rep would do.
Plain values go into the templates, already worded; Jinja escapes them.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, abort, redirect, render_template

from connector.sandbox import guard
from connector.sandbox.derived import LINES
from connector.sandbox.errors import Refusal
from connector.sandbox.pushes import REQUESTED, SIGNED
from connector.sandbox.records import Row
from connector.sandbox.schema import Field, ObjectType
from connector.sandbox.schema_table import SYSTEM
from connector.sandbox.values import plain_number

if TYPE_CHECKING:
    from connector.sandbox.sandbox import Sandbox

FILES = {"style.css": "text/css", "refresh.js": "text/javascript"}
LISTED = (
    "Quote",
    "SBQQ__Quote__c",
    "dfsle__EnvelopeStatus__c",
    "Opportunity",
    "Order",
    "Account",
    "Contract",
    "Contact",
    "Product2",
)
MOST_LISTED = 200
# Status -> colour of the badge, and what it means in a sentence.
STATUSES = {
    "": ("none", "Countersign has not written to this record yet."),
    "Not Sent": ("none", "Nothing has been sent."),
    "Pending": ("wait", "Countersign knows of the record and will look at it."),
    "In Progress": ("work", "Countersign is working through the steps."),
    "Synced": ("good", "Everything sold on this record is set up."),
    "Warning": ("warn", "Set up, but something needs a look."),
    "Failed": ("bad", "It could not be set up. Read the message, correct the record, press Resync."),
    "Blocked": ("bad", "It waits for a correction or a decision."),
    "Skipped": ("none", "Left out on purpose."),
}
ACTIONS = {
    "Quote": "Mark as accepted",
    "Opportunity": "Close as won",
    "Order": "Activate",
    "SBQQ__Quote__c": "Mark as accepted",
    "dfsle__EnvelopeStatus__c": "Mark as completed",
}
# Where the state of a record stands in the list, first match first.
STATES = ("StageName", "Status", "SBQQ__Status__c", "dfsle__Status__c", "ProductCode", "BillingCountry")
LINE_NOTES = (
    "Charge_Type__c",
    "Price_Model__c",
    "Billing_Frequency__c",
    "Billing_Timing__c",
    "Entitlement_Value__c",
    "Credit_Cadence__c",
)


def pages_blueprint(sandbox: Sandbox) -> Blueprint:
    """`/`, `/record/<id>` and its buttons."""
    blueprint = Blueprint("pages", __name__)
    pages = _Pages(sandbox)
    blueprint.before_request(lambda: guard.refusal(sandbox))
    blueprint.after_request(guard.harden)
    blueprint.add_url_rule("/", view_func=pages.index, methods=["GET"])
    blueprint.add_url_rule("/record/<record_id>", view_func=pages.record, methods=["GET"])
    # A real org shows a record at its id alone, and links from outside rely on that.
    alone = "/<string(minlength=15, maxlength=18):record_id>"
    blueprint.add_url_rule(alone, view_func=pages.record, endpoint="alone", methods=["GET"])
    blueprint.add_url_rule("/record/<record_id>/sign", view_func=pages.sign, methods=["POST"])
    blueprint.add_url_rule("/record/<record_id>/resync", view_func=pages.resync, methods=["POST"])
    blueprint.add_url_rule("/favicon.ico", view_func=lambda: Response(status=204), endpoint="icon", methods=["GET"])
    blueprint.add_url_rule("/sandbox/<any('style.css', 'refresh.js'):name>", view_func=pages.file, methods=["GET"])
    return blueprint


def worded(field: Field, value: Any) -> str:
    """A value as a person reads it; empty for nothing."""
    if value is None or value == "":
        return ""
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if isinstance(value, datetime):
        return f"{value.day} {value:%b %Y, %H:%M:%S} UTC"
    if isinstance(value, date):
        return f"{value.day} {value:%b %Y}"
    if isinstance(value, Decimal):
        places = max(2, -int(value.normalize().as_tuple().exponent)) if field.type == "currency" else None
        text = f"{value:,.{places}f}" if places is not None else plain_number(value).removesuffix(".0")
        return f"{text} %" if field.type == "percent" else text
    return str(value)


class _Pages:
    """The views."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        folder = Path(__file__).parent / "templates"
        self._files = {name: (folder / name).read_text(encoding="utf-8") for name in FILES}

    def file(self, name: str) -> Response:
        """The style sheet and the refresh script."""
        return Response(self._files[name], mimetype=FILES[name])

    def index(self) -> str:
        """All records by object."""
        groups = []
        for name in LISTED:
            kind = self._sandbox.schema.objects.get(name)
            rows = self._sandbox.all(name) if kind else []
            if kind and rows:
                shown = [self._entry(kind, row) for row in rows[:MOST_LISTED]]
                groups.append({"title": kind.plural, "count": len(rows), "rows": shown, "name": name})
        return render_template("index.html", groups=groups, now=self._now(), most=MOST_LISTED)

    def record(self, record_id: str) -> str:
        """One record, status first."""
        kind, row = self._found(record_id)
        return render_template(
            "record.html",
            title=self._title(kind, row),
            label=kind.label,
            record_id=row["Id"],
            status=self._status(kind, row) if "Sync_Status__c" in kind.fields else None,
            action=self._action(kind, row),
            can_resync=REQUESTED in kind.fields,
            fields=self._filled(kind, row),
            lines=self._lines(kind, row),
            currency=row.get("CurrencyIsoCode") or "",
            pushes=self._pushes(row["Id"]),
            now=self._now(),
        )

    def sign(self, record_id: str) -> Any:
        """The rep's button: accepted, won or activated."""
        kind, row = self._found(record_id)
        if kind.name not in SIGNED:
            abort(404)
        field, value = SIGNED[kind.name]
        self._sandbox.update(kind.name, row["Id"], {field: value})
        return redirect(f"/record/{row['Id']}", code=303)

    def resync(self, record_id: str) -> Any:
        """The rep's button: look at this record again."""
        kind, row = self._found(record_id)
        if REQUESTED not in kind.fields:
            abort(404)
        rep = self._sandbox.get("User", self._sandbox.rep_id)
        asked = {REQUESTED: self._sandbox.clock.now(), "Sync_Requested_By__c": rep["Name"]}
        self._sandbox.update(kind.name, row["Id"], asked)
        return redirect(f"/record/{row['Id']}", code=303)

    # Words for the templates

    def _now(self) -> str:
        return f"{self._sandbox.clock.now():%d %b %Y, %H:%M:%S} UTC"

    def _found(self, record_id: str) -> tuple[ObjectType, Row]:
        kind = self._sandbox.schema.by_id(record_id)
        if kind is None:
            abort(404)
        try:
            return kind, self._sandbox.get(kind.name, record_id)
        except Refusal:
            abort(404)

    def _title(self, kind: ObjectType, row: Row) -> str:
        named = next((field.name for field in kind.fields.values() if field.is_name), "Id")
        return str(row.get("Name") or row.get(named) or row["Id"])

    def _entry(self, kind: ObjectType, row: Row) -> dict[str, str]:
        account = self._sandbox.records.row(row.get("AccountId") or row.get("SBQQ__Account__c")) or {}
        state = next((row[name] for name in STATES if row.get(name)), "")
        sync = row.get("Sync_Status__c") or ""
        return {
            "id": row["Id"],
            "title": self._title(kind, row),
            "account": str(account.get("Name") or ""),
            "state": str(state),
            "sync": sync or ("Not sent yet" if self._is_signable(kind, row) else ""),
            "colour": STATUSES.get(sync, STATUSES[""])[0],
            "error": str(row.get("Sync_Error__c") or ""),
        }

    def _is_signable(self, kind: ObjectType, row: Row) -> bool:
        """Whether this record itself is what gets signed; an opportunity with a quote is not."""
        has_quote = kind.name == "Opportunity" and self._sandbox.records.rows_by("Quote", "OpportunityId", row["Id"])
        return kind.name in SIGNED and not has_quote

    def _status(self, kind: ObjectType, row: Row) -> dict[str, Any]:
        value = row["Sync_Status__c"] or ""
        colour, meaning = STATUSES.get(value, STATUSES[""])
        skipped = ("Sync_Status__c", "Sync_Error__c", "Sync_Link__c")
        link = row["Sync_Link__c"] or ""
        return {
            "word": value or "Not sent yet",
            "colour": colour,
            "meaning": meaning,
            "error": row["Sync_Error__c"] or "",
            "link": link if link.startswith(("https://", "http://")) else "",
            "facts": [
                (field.label.removeprefix("Sync "), worded(field, row[field.name]))
                for field in kind.fields.values()
                if field.name.startswith("Sync_") and field.name not in skipped and row[field.name] is not None
            ],
        }

    def _action(self, kind: ObjectType, row: Row) -> str:
        if kind.name not in SIGNED:
            return ""
        field, value = SIGNED[kind.name]
        return "" if row[field] == value else ACTIONS[kind.name]

    def _filled(self, kind: ObjectType, row: Row) -> list[dict[str, str]]:
        system = {line.split()[0] for line in SYSTEM.strip().splitlines()}
        shown = []
        for field in kind.fields.values():
            value = row[field.name]
            if field.name in system or field.name.startswith("Sync_") or value in (None, False):
                continue
            linked = value if field.type == "reference" else ""
            target = self._sandbox.schema.by_id(linked) if linked else None
            parent = self._sandbox.records.row(linked) if linked else None
            text = self._title(target, parent) if target and parent else worded(field, value)
            shown.append({"label": field.label.removesuffix(" ID"), "text": text, "link": linked})
        return shown

    def _lines(self, kind: ObjectType, row: Row) -> list[dict[str, str]]:
        lookups = [(line, lookup) for line, (lookup, header) in LINES.items() if header == kind.name]
        if not lookups:
            return []
        name, lookup = lookups[0]
        fields = self._sandbox.schema.objects[name].fields
        found = self._sandbox.records.rows_by(name, lookup, row["Id"])
        found.sort(key=lambda line: (line.get("SortOrder") or 0, line["Id"]))
        return [self._line(fields, line) for line in found]

    def _line(self, fields: dict[str, Field], line: Row) -> dict[str, str]:
        product = self._sandbox.records.row(line["Product2Id"]) or {}
        price = line["Unit_Price_Exact__c"] or line["UnitPrice"]
        period = f"per {line['Price_Period__c'].lower()}" if line["Price_Period__c"] else ""
        notes = [str(line[name]) for name in LINE_NOTES if line[name]]
        notes[1:1] = [period] if period and line["Charge_Type__c"] == "Recurring" else []
        if line["Line_Start__c"] and line["Line_End__c"]:
            span = [worded(fields[name], line[name]) for name in ("Line_Start__c", "Line_End__c")]
            notes.append(" to ".join(span))
        if line["Included_Units__c"]:
            notes.append(f"{line['Included_Units__c']:,.0f} included")
        if line["Minimum_Amount__c"]:
            notes.append(f"minimum {worded(fields['Minimum_Amount__c'], line['Minimum_Amount__c'])}")
        return {
            "product": str(product.get("Name") or "Unknown product"),
            "code": str(line["ProductCode"] or ""),
            "description": str(line["Description"] or ""),
            "quantity": worded(fields["Quantity"], line["Quantity"]),
            "price": worded(fields["UnitPrice"], price),
            "discount": worded(fields["Discount"], line["Discount"]) if line.get("Discount") else "",
            "total": worded(fields["TotalPrice"], line["TotalPrice"]),
            "notes": " · ".join(notes),
        }

    def _pushes(self, record_id: str) -> list[dict[str, str]]:
        found = [item for item in list(self._sandbox.pushes.log) if item.record_id == record_id]
        return [
            {
                "id": item.id,
                "channel": "outbound message" if item.channel == "soap" else "JSON event",
                "state": item.state,
                "attempts": str(item.attempts),
                "answer": item.last_answer,
            }
            for item in found[-20:]
        ]

"""Export the whole story of one deal as a folder that verifies itself: messages, order, contract, documents, decisions.

For auditors and for disputes: from the signed record to what the customer got and who decided it, with hashes. The
folder holds its own check, which needs nothing of ours. Nothing is changed here, and no secret goes into the folder.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from importlib.resources import files
from pathlib import Path
from typing import Any

from connector.errors import Refused
from connector.ports import Clock
from connector.store import audit
from connector.store.audit import AuditFault
from connector.store.evidence import ChainEvidence, DealEvidence, DocumentEvidence, Row, load_evidence
from connector.store.evidence_forms import FormEvidence
from connector.store.types import dump_exact
from connector.store.unit_of_work import Database
from connector.usecases.evidence_verifier import MANIFEST

# Salesforce may put the session of its user into an outbound message: that opens the org.
_SESSION = re.compile(rb"(<(?:\w+:)?SessionId[^>]*>)[^<]+(</)")
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
_ENDINGS = {"json": "json", "xml": "xml", "pdf": "pdf"}


class FolderTaken(Refused):
    """The folder is there already and is not empty."""

    code = "FOLDER_TAKEN"
    owner = "operator"
    fix = "Name another folder; an export is never written over another."


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written: how many files and documents, and the SHA-256 of the manifest, to be kept elsewhere.

    `faults` are places where the audit log itself is not what was written, told whole, not only for this deal.
    """

    folder: Path
    files: int
    documents: int
    manifest_hash: str
    faults: tuple[AuditFault, ...] = ()


def export_evidence(*, database: Database, clock: Clock, number: str, folder: Path, version: str) -> Exported:
    """Write the evidence of the order with that number into a new folder. Raises NotFound, FolderTaken."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise FolderTaken(f"{folder} is there already.")
    with database.reading() as connection:
        evidence = load_evidence(connection=connection, number=number)
        names = [chain.name for chain in evidence.chains]
        faults = [fault for name in names for fault in audit.verify(connection=connection, chain=name)]
    now = clock.now()
    manifest = []
    for name, content in _files(evidence, now, version):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        manifest.append(f"{_hash(content)}  {name}")
    # Last, so that an export which was broken off does not verify.
    text = "".join(f"{line}\n" for line in sorted(manifest, key=lambda line: line[66:])).encode()
    (folder / MANIFEST).write_bytes(text)
    return Exported(folder, len(manifest), len(evidence.documents), _hash(text), tuple(faults))


def _files(evidence: DealEvidence, now: datetime, version: str) -> Iterator[tuple[str, bytes]]:
    order = evidence.order
    about = {"order": order["number"], "exported_at": now, "version": version}
    yield "README.md", _readme(evidence, now).encode()
    yield "verify.py", files("connector.usecases").joinpath("evidence_verifier.py").read_bytes()
    yield "deal.json", _json(about)
    yield "order/order.json", _json({name: value for name, value in order.items() if name != "terms"})
    yield "order/terms.json", dump_exact(order["terms"]).encode()
    for name, rows in evidence.tables.items():
        folder = "contract" if name == "usage_readings" or name.startswith(("contract", "subscr")) else "order"
        yield f"{folder}/{name}.json", _json(rows)
    yield from _messages(evidence.messages)
    yield "invoices.json", _json([_listed(document) for document in evidence.documents])
    for document in evidence.documents:
        yield from _document(document)
    yield from _forms(evidence.forms)
    for chain in evidence.chains:
        yield f"audit/{_safe(chain.name)}.jsonl", _chain(chain)
    yield "audit/chains.json", _json([chain.head for chain in evidence.chains])


def _messages(messages: tuple[Row, ...]) -> Iterator[tuple[str, bytes]]:
    """Each body as it came, but for sessions that open the org; several messages may have come in one body."""
    listed = []
    for message in messages:
        body = bytes(message.pop("body"))
        kept, masked = _SESSION.subn(rb"\1masked\2", body)
        kind = str(message["content_type"]).partition(";")[0].rpartition("/")[2]
        name = f"messages/{message['id']:08}.{_ENDINGS.get(kind, 'bin')}"
        listed.append({**message, "file": name, "sha256_as_received": _hash(body), "is_session_masked": masked > 0})
        yield name, kept
    yield "messages.json", _json(listed)


def _listed(document: DocumentEvidence) -> Row:
    return {"id": document.id, "number": document.number, "folder": _folder(document)}


def _document(document: DocumentEvidence) -> Iterator[tuple[str, bytes]]:
    place = f"invoices/{_folder(document)}"
    yield f"{place}/rows.json", _json(document.rows)
    yield f"{place}/decisions.json", _json([_decision(entry) for entry in document.decisions])
    if document.frozen:
        yield f"{place}/issued.json", document.frozen.encode()
    for file in document.files:
        yield f"{place}/document.{file.kind}", file.content


def _forms(forms: tuple[FormEvidence, ...]) -> Iterator[tuple[str, bytes]]:
    """Each signed document as it came, what was found in it, who decided, and its envelope."""
    for form in forms:
        place = f"order-forms/{form.number}"
        yield f"{place}/document.pdf", form.content
        yield f"{place}/order-form.json", _json(form.row)
        yield f"{place}/decisions.json", _json([_decision(entry) for entry in form.decisions])
        if form.envelope:
            yield f"{place}/envelope.json", _json({**form.envelope, "events": form.events})
        if form.certificate:
            yield f"{place}/certificate.pdf", form.certificate


def _decision(entry: Any) -> Row:
    names = ("position", "at", "actor", "role", "event", "before", "after", "reason", "data", "hash")
    return {name: getattr(entry, name) for name in names}


def _chain(chain: ChainEvidence) -> bytes:
    """Rows of the deal with the text that their hash covers; of others the hashes alone."""
    lines = []
    for entry in chain.entries:
        if entry.subject_id in chain.own_ids:
            row: Row = {"body": entry.body, "hash": entry.hash}
        else:
            row = {"position": entry.position, "previous_hash": entry.previous_hash, "hash": entry.hash}
        lines.append(json.dumps(row, ensure_ascii=False, sort_keys=True))
    return "".join(f"{line}\n" for line in lines).encode()


def _folder(document: DocumentEvidence) -> str:
    return _safe(document.number) if document.number else f"not-issued-{document.id}"


def _safe(name: str) -> str:
    return _UNSAFE.sub("-", name)


def _json(value: Any) -> bytes:
    text = json.dumps(_plain(value), ensure_ascii=False, indent=1, sort_keys=True)
    return f"{text}\n".encode()


def _plain(value: Any) -> Any:
    """The value in the words of JSON: amounts as text with all digits, dates and instants in ISO 8601."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Decimal):
        return format(value, "f")
    return value.isoformat() if isinstance(value, datetime | date) else value


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _readme(evidence: DealEvidence, now: datetime) -> str:
    number, customer = evidence.order["number"], _one_line(str(evidence.order["customer_name"]))
    return f"""# Evidence of {number}

Customer: {customer}. Exported {now:%Y-%m-%d %H:%M} UTC.

    python verify.py

tells whether anything in this folder was changed since the export, and whether the documents are those that were
approved and issued. It needs only Python and changes nothing. Somebody who changes a file could write the manifest
anew: keep its SHA-256, which the export and the check both tell, in another place.

| file | what it is |
|---|---|
| `messages.json`, `messages/` | what told us of the signed record, as it came (sessions masked) |
| `order/record.json`, `order/terms.json` | the signed record's place, and its terms as they were read |
| `order/order.json`, `order/steps.json`, `order/history.json` | the order, and what was done for it |
| `order/writebacks.json` | what Salesforce shows |
| `contract/` | the contract, its versions and values, its lines, access, usage |
| `invoices.json`, `invoices/NUMBER/` | each invoice and credit note with rows of this order |
| `invoices/NUMBER/issued.json` | the document as it was issued; its SHA-256 is in the audit log |
| `invoices/NUMBER/document.*` | the files as the customer gets them; their SHA-256 are in the audit log |
| `invoices/NUMBER/decisions.json` | who did what, when and why |
| `order-forms/NUMBER/` | each signed document as it came, its signatures, what was read, who decided, its envelope |
| `audit/*.jsonl` | the audit log: `hash` is the SHA-256 of `body`, which holds the hash of the row before |

Rows of the audit log that are about other customers are told by their hashes alone.
"""


def _one_line(text: str) -> str:
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())

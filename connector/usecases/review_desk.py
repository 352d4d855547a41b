"""The desk at which documents are decided on: what every decision needs, and a document opened on it.

Exists so that looking, editing, approving and issuing see the same document, the same findings and the same hash. An
opened document is read from the rows alone, so the hash that a person looked at is the hash that is compared.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from connector.domain.documents import (
    DocumentFacts,
    DocumentState,
    DocumentView,
    LoweredDocument,
    build_document,
    party_of,
)
from connector.domain.invoice_drafts import DocumentKind
from connector.domain.legal_entities import LegalEntity, plain_entity
from connector.domain.review import NOT_BILLED, Actor, Approval, InvoiceEvent, InvoiceState, ReviewRules
from connector.domain.review_findings import DraftFacts, Finding, is_quiet, review_warnings
from connector.domain.tax import TaxRounding
from connector.errors import Refused
from connector.ports import Clock, TaxEngine
from connector.store import audit
from connector.store.audit import AuditRow
from connector.store.invoices import StoredDocument, load_document, load_documents, lock_document
from connector.store.issued import Content, LoweredRow, content_of, load_issued, load_lowered, lock_all, number_of
from connector.store.review_facts import load_facts
from connector.store.unit_of_work import Database, UnitOfWork
from connector.usecases.show_status import StatusBoard

# What people write is text of this length at most; longer is a mistake or an attack.
MOST_TEXT = 5000


class TextRefused(Refused):
    """A text that belongs to a decision is missing or too long."""

    code = "TEXT_REFUSED"
    owner = "finance"
    fix = "Write it again."


@dataclass(frozen=True, slots=True)
class ReviewDesk:
    """What decisions need. `entities` go by code; `via` is the API token by which a person decides, if any."""

    database: Database
    clock: Clock
    rules: ReviewRules
    entities: Mapping[str, LegalEntity]
    taxes: TaxEngine
    board: StatusBoard
    via: str = ""

    @property
    def rounding(self) -> TaxRounding:
        """How tax is rounded; credit notes use the mode of their invoice."""
        return self.taxes.rounding


@dataclass(frozen=True, slots=True)
class OpenedDocument:
    """A document on the desk: what it says, its hash, what the rules tell of it, and the approvals that hold."""

    document: StoredDocument
    view: DocumentView
    content: Content
    facts: DraftFacts
    findings: tuple[Finding, ...]
    is_quiet: bool
    lowered: tuple[LoweredRow, ...]

    @property
    def blocking(self) -> tuple[Finding, ...]:
        """The findings that stop it."""
        return tuple(finding for finding in self.findings if finding.is_blocking)


@dataclass(frozen=True, slots=True)
class Decision:
    """What came of a decision. `content_hash` is what the document says now; `number` only of an issued one.

    `is_repeated`: the same person had decided the same before, and nothing was done again.
    """

    invoice_id: int
    state: InvoiceState
    content_hash: str
    number: str = ""
    is_repeated: bool = False


def look(*, desk: ReviewDesk, invoice_ids: Sequence[int]) -> dict[int, OpenedDocument]:
    """These documents as they stand, by id; those that do not exist are left out. Nothing is locked or changed."""
    with desk.database.looking() as work:
        documents = load_documents(connection=work.connection, invoice_ids=invoice_ids)
        return _open(work, desk, list(documents.values()))


@dataclass(frozen=True, slots=True)
class Reviewed:
    """What the rules tell of one document, and what an approval of it names; nothing is told of what is decided."""

    content_hash: str
    number: str
    is_quiet: bool
    findings: tuple[Finding, ...]


def look_back(*, desk: ReviewDesk, invoice_id: int) -> Reviewed:
    """The document as it stands, or as it was issued. Raises NotFound."""
    with desk.database.looking() as work:
        number = number_of(connection=work.connection, invoice_id=invoice_id)
        if number:
            content = load_issued(connection=work.connection, invoice_id=invoice_id).content_hash
            return Reviewed(content, number, is_quiet=False, findings=())
        document = load_document(connection=work.connection, invoice_id=invoice_id)
        opened = _open(work, desk, [document])[invoice_id]
    if document.state in NOT_BILLED:
        return Reviewed(opened.content.hash, "", is_quiet=False, findings=())
    return Reviewed(opened.content.hash, "", opened.is_quiet, opened.findings)


def open_locked(*, work: UnitOfWork, desk: ReviewDesk, invoice_id: int) -> OpenedDocument:
    """One document that nobody else can move, with the invoices that it lowers. Raises NotFound."""
    document = lock_document(work=work, invoice_id=invoice_id)
    keys = document.draft.lowers
    if keys:
        named = load_lowered(connection=work.connection, keys=keys)
        lock_all(work=work, invoice_ids=[row.id for row in named.values()])
    return _open(work, desk, [document])[invoice_id]


def holding_approvals(entries: Sequence[AuditRow]) -> tuple[Approval, ...]:
    """The approvals that nothing has dropped since: every other decision about the document drops them."""
    found: list[Approval] = []
    for entry in entries:
        if entry.event == InvoiceEvent.APPROVE:
            found.append(Approval(Actor(entry.actor, entry.role), entry.data["content_hash"], entry.at))
        elif entry.event in _DROPPING:
            found.clear()
    return tuple(found)


def entity_of(desk: ReviewDesk, code: str) -> LegalEntity:
    """The legal entity, or a bare one: a finding says that it is not in the settings."""
    return desk.entities.get(code) or plain_entity(code=code, country="")


def view_of(
    *,
    document: StoredDocument,
    entity: LegalEntity,
    lowered: Sequence[LoweredRow],
    number: str | None = None,
    issued_on: date | None = None,
    due_on: date | None = None,
) -> DocumentView:
    """What the document says; with a number as it is issued, without as a draft."""
    facts = DocumentFacts(
        seller=entity.seller,
        buyer=party_of(customer=document.customer),
        state=DocumentState.DRAFT if number is None else DocumentState.ISSUED,
        number=number,
        issued_on=issued_on,
        due_on=due_on,
        lowers=tuple(LoweredDocument(row.number, row.issued_on) for row in lowered if row.number and row.issued_on),
        reason=_reason(document),
        memo=document.written.memo,
        price_months=document.price_months,
    )
    return build_document(taxed=document.taxed, facts=facts)


def text_of(document: StoredDocument, view: DocumentView) -> Content:
    """The exact text of the document with everything that an approval is for."""
    facts = {
        "invoice_id": document.id,
        "draft_key": document.draft.key,
        "org_id": document.org_id,
        "legal_entity": document.legal_entity,
        "problem": document.problem_code,
    }
    return content_of(view=view, facts=facts, recipients=document.recipients)


def clean_text(text: str, *, name: str, is_needed: bool = True) -> str:
    """A text as people meant it, without control characters. Raises TextRefused when missing or too long."""
    plain = "".join(sign if sign.isprintable() or sign in "\n\u200e\u200f\u200d" else " " for sign in text)
    plain = plain.encode("utf-8", "replace").decode("utf-8").strip()
    if is_needed and not plain:
        raise TextRefused(f"The {name} is missing.", fix=f"Say the {name}.")
    if len(plain) > MOST_TEXT:
        raise TextRefused(f"The {name} has {len(plain)} characters; at most {MOST_TEXT} fit.", fix="Shorten it.")
    return plain


def record(
    *,
    work: UnitOfWork,
    desk: ReviewDesk,
    document: StoredDocument,
    actor: Actor,
    event: str,
    after: str,
    reason: str = "",
    data: Mapping[str, object] | None = None,
) -> None:
    """Write a decision into the audit log."""
    audit.append(
        work=work,
        chain=audit.chain_of(document.legal_entity),
        at=desk.clock.now(),
        actor=actor.name,
        role=actor.role,
        subject_id=document.id,
        event=event,
        before=document.state.value,
        after=after,
        reason=reason,
        data={**(data or {}), **({"via": desk.via} if desk.via else {})},
    )


_DROPPING = frozenset(InvoiceEvent) - {InvoiceEvent.APPROVE, InvoiceEvent.ISSUE}


def _open(work: UnitOfWork, desk: ReviewDesk, documents: Sequence[StoredDocument]) -> dict[int, OpenedDocument]:
    facts = load_facts(connection=work.connection, documents=documents, entities=desk.entities, rules=desk.rules)
    named = load_lowered(connection=work.connection, keys=[key for one in documents for key in one.draft.lowers])
    return {document.id: _opened(desk, document, facts[document.id], named) for document in documents}


def _opened(
    desk: ReviewDesk, document: StoredDocument, facts: DraftFacts, named: Mapping[str, LoweredRow]
) -> OpenedDocument:
    lowered = tuple(named[key] for key in document.draft.lowers if key in named)
    view = view_of(document=document, entity=entity_of(desk, document.legal_entity), lowered=lowered)
    findings = review_warnings(facts=facts, rules=desk.rules)
    quiet = is_quiet(facts=facts, rules=desk.rules, findings=findings)
    return OpenedDocument(document, view, text_of(document, view), facts, findings, quiet, lowered)


def _reason(document: StoredDocument) -> str:
    """Why a credit note is given, when all its rows say the same."""
    reasons = {item.reason for item in document.draft.items}
    is_credit = document.kind is DocumentKind.CREDIT_NOTE
    return reasons.pop() if is_credit and len(reasons) == 1 else ""

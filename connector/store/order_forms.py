"""Order forms: kept once by their hash, claimed for reading, moved along their edges, found by their record.

A file that was kept is never changed; a decision is written beside what was read, never over it. This module must not
judge a document.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from connector.domain.form_readings import CheckedForm, PagePicture
from connector.domain.form_states import FormEvent, FormState, form_after
from connector.domain.terms import RecordRef
from connector.errors import Conflict, NotFound
from connector.store import history
from connector.store.form_rows import Refusal, StoredForm, document_of, form_of
from connector.store.inserting import insert_ignore
from connector.store.tables_order_forms import (
    made_order_forms,
    order_form_files,
    order_form_pages,
    order_forms,
    signature_pointers,
)
from connector.store.unit_of_work import UnitOfWork

# How the history and the audit log name an order form.
SUBJECT = "order_form"
_TO_READ = (FormState.RECEIVED.value, FormState.RETRYING.value)


@dataclass(frozen=True, slots=True)
class NewForm:
    """A document that came in: where from, who brought it, for which record (None: not said)."""

    content: bytes
    source: str
    file_name: str = ""
    received_by: str = ""
    ref: RecordRef | None = None
    envelope_id: int | None = None


def keep_file(*, work: UnitOfWork, content: bytes, now: datetime) -> str:
    """Keep the bytes once; answers their SHA-256."""
    digest = hashlib.sha256(content).hexdigest()
    values = {"sha256": digest, "content": content, "size": len(content), "kept_at": now}
    work.execute(insert_ignore(work, order_form_files).values(values))
    return digest


def put(*, work: UnitOfWork, form: NewForm, now: datetime) -> tuple[StoredForm, bool]:
    """Keep a document as an order form; answers it, and whether it is new. Known bytes change nothing."""
    digest = keep_file(work=work, content=form.content, now=now)
    ref = form.ref or RecordRef("", "", "")
    row = {
        "sha256": digest,
        "source": form.source,
        "file_name": form.file_name,
        "received_by": form.received_by,
        "received_at": now,
        "org_id": ref.org_id,
        "object": ref.object,
        "record_id": ref.record_id,
        "envelope_id": form.envelope_id,
        "state": FormState.RECEIVED.value,
        "changed_at": now,
    }
    made = work.execute(insert_ignore(work, order_forms).values(row).returning(order_forms.c.id)).scalar_one_or_none()
    kept = form_of(work.execute(sa.select(order_forms).where(order_forms.c.sha256 == digest)).one())
    if made is not None:
        history.append(
            work=work, at=now, subject=SUBJECT, subject_id=made, event="receive", after=FormState.RECEIVED.value,
            actor=form.received_by or history.SYSTEM, data={"sha256": digest, "source": form.source},
        )  # fmt: skip
    return kept, made is not None


def claim(*, work: UnitOfWork, now: datetime, until: datetime) -> StoredForm | None:
    """The next document to read, nobody else's until that moment; None when none is due."""
    c = order_forms.c
    query = (
        sa.select(order_forms)
        .where(c.state.in_(_TO_READ), sa.or_(c.not_before.is_(None), c.not_before <= now))
        .order_by(c.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    row = work.execute(query).one_or_none()
    if row is None:
        return None
    work.execute(order_forms.update().where(c.id == row.id).values(attempts=c.attempts + 1, not_before=until))
    return replace(form_of(row), attempts=row.attempts + 1, not_before=until)


def load(*, connection: Connection, form_id: int) -> StoredForm:
    """An order form. Raises NotFound."""
    row = connection.execute(sa.select(order_forms).where(order_forms.c.id == form_id)).one_or_none()
    if row is None:
        raise NotFound(f"There is no order form {form_id}.")
    return form_of(row)


def lock(*, work: UnitOfWork, form_id: int) -> StoredForm:
    """An order form that nobody else changes until the transaction ends. Raises NotFound."""
    query = sa.select(order_forms).where(order_forms.c.id == form_id).with_for_update()
    row = work.execute(query).one_or_none()
    if row is None:
        raise NotFound(f"There is no order form {form_id}.")
    return form_of(row)


def load_for_record(*, connection: Connection, ref: RecordRef) -> list[StoredForm]:
    """Every order form of a record, oldest first."""
    c = order_forms.c
    query = sa.select(order_forms).where(c.org_id == ref.org_id, c.record_id == ref.record_id).order_by(c.id)
    return [form_of(row) for row in connection.execute(query)]


def load_content(*, connection: Connection, sha256: str) -> bytes:
    """The bytes of a kept file. Raises NotFound."""
    query = sa.select(order_form_files.c.content).where(order_form_files.c.sha256 == sha256)
    found = connection.execute(query).scalar_one_or_none()
    if found is None:
        raise NotFound("There is no file with this hash.")
    return bytes(found)


def move(
    *,
    work: UnitOfWork,
    form: StoredForm,
    event: FormEvent,
    now: datetime,
    actor: str = history.SYSTEM,
    reason: str = "",
    **values: Any,
) -> StoredForm:
    """The order form in its next state, with further columns set. Raises IllegalTransition, Conflict."""
    after = form_after(form.state, event)
    row = _update(work, form, now, state=after.value, **values)
    if after is not form.state:
        history.append(
            work=work, at=now, subject=SUBJECT, subject_id=form.id, event=event.value, before=form.state.value,
            after=after.value, actor=actor, reason=reason,
        )  # fmt: skip
    return row


def save_read(
    *, work: UnitOfWork, form: StoredForm, checked: CheckedForm, ref: RecordRef | None, is_ours: bool, now: datetime
) -> StoredForm:
    """What was read, with the pictures; whatever an earlier reading found is replaced."""
    found = ref or form.ref or RecordRef("", "", "")
    work.execute(order_form_pages.delete().where(order_form_pages.c.form_id == form.id))
    if checked.pictures:
        work.execute(order_form_pages.insert(), [_picture(form.id, one) for one in checked.pictures])
    return move(
        work=work, form=form, event=FormEvent.READ, now=now,
        org_id=found.org_id, object=found.object, record_id=found.record_id, pages=checked.pages, is_ours=is_ours,
        signatures=document_of(checked.signatures), reading=document_of(checked.reading), read_at=now,
        not_before=None, code="", message="", fix="",
    )  # fmt: skip


def save_refused(
    *, work: UnitOfWork, form: StoredForm, refusal: Refusal, again_at: datetime | None, now: datetime
) -> None:
    """Why it could not be read; `again_at` None: it is no order form and is not tried again."""
    move(
        work=work, form=form, event=FormEvent.REFUSE if again_at is None else FormEvent.RETRY, now=now,
        reason=refusal.message, code=refusal.code, message=refusal.message, fix=refusal.fix, not_before=again_at,
    )  # fmt: skip


def attach(*, work: UnitOfWork, form: StoredForm, ref: RecordRef, now: datetime) -> StoredForm:
    """The order form belongs to that record from here on."""
    return _update(work, form, now, org_id=ref.org_id, object=ref.object, record_id=ref.record_id)


def save_said(*, work: UnitOfWork, form: StoredForm, now: datetime, **values: Any) -> StoredForm:
    """What a person said beside what was read: `answers`, `confirmation`."""
    return _update(work, form, now, **{name: document_of(value) for name, value in values.items()})


def load_pages(*, connection: Connection, form_id: int) -> list[tuple[int, int, int]]:
    """(page, width, height) of each picture, in order."""
    c = order_form_pages.c
    query = sa.select(c.page, c.width, c.height).where(c.form_id == form_id).order_by(c.page)
    return [(row.page, row.width, row.height) for row in connection.execute(query)]


def load_picture(*, connection: Connection, form_id: int, page: int) -> bytes:
    """The picture of a page. Raises NotFound."""
    c = order_form_pages.c
    found = connection.execute(sa.select(c.png).where(c.form_id == form_id, c.page == page)).scalar_one_or_none()
    if found is None:
        raise NotFound(f"There is no picture of page {page}.")
    return bytes(found)


def forget_pictures_before(*, work: UnitOfWork, moment: datetime) -> int:
    """Drop the pictures of order forms that nothing has happened to since then; answers how many pages.

    The documents stay, and reading one again draws its pages anew. One that waits for a person keeps its pictures.
    """
    c = order_forms.c
    is_waiting = c.state.in_((*_TO_READ, FormState.READ.value, FormState.OPEN.value))
    settled = sa.select(c.id).where(c.changed_at < moment, sa.not_(is_waiting))
    done = work.execute(order_form_pages.delete().where(order_form_pages.c.form_id.in_(settled)))
    return int(done.rowcount)


def save_made(*, work: UnitOfWork, made_ref: str, ref: RecordRef, content: bytes, made_by: str, now: datetime) -> None:
    """Keep an order form that we made, so that it is known when it comes back."""
    row = {
        "made_ref": made_ref,
        "org_id": ref.org_id,
        "object": ref.object,
        "record_id": ref.record_id,
        "sha256": keep_file(work=work, content=content, now=now),
        "size": len(content),
        "made_by": made_by,
        "made_at": now,
    }
    work.execute(made_order_forms.insert().values(row))


def load_made(*, connection: Connection, made_ref: str) -> tuple[RecordRef, str, int] | None:
    """(record, SHA-256, size) of an order form that we made; None when we did not."""
    query = sa.select(made_order_forms).where(made_order_forms.c.made_ref == made_ref)
    row = connection.execute(query).one_or_none()
    return None if row is None else (RecordRef(row.org_id, row.object, row.record_id), row.sha256, row.size)


def save_pointer(*, work: UnitOfWork, signed: RecordRef, pointer: RecordRef, now: datetime) -> None:
    """A record of an e-signature package says that this record was signed."""
    row = {
        "org_id": signed.org_id,
        "record_id": signed.record_id,
        "pointer_object": pointer.object,
        "pointer_id": pointer.record_id,
        "seen_at": now,
    }
    work.execute(insert_ignore(work, signature_pointers).values(row))


def load_pointers(*, connection: Connection, ref: RecordRef) -> Sequence[RecordRef]:
    """The records that said that this one was signed."""
    c = signature_pointers.c
    query = sa.select(c.pointer_object, c.pointer_id).where(c.org_id == ref.org_id, c.record_id == ref.record_id)
    rows = connection.execute(query.order_by(c.pointer_object, c.pointer_id))
    return [RecordRef(ref.org_id, row.pointer_object, row.pointer_id) for row in rows]


def _picture(form_id: int, one: PagePicture) -> dict[str, Any]:
    return {"form_id": form_id, "page": one.page, "width": one.width, "height": one.height, "png": one.png}


def _update(work: UnitOfWork, form: StoredForm, now: datetime, **values: Any) -> StoredForm:
    c = order_forms.c
    changed = (
        order_forms.update()
        .where(c.id == form.id, c.version == form.version)
        .values(version=form.version + 1, changed_at=now, **values)
        .returning(order_forms)
    )
    row = work.execute(changed).one_or_none()
    if row is None:
        raise Conflict(f"The order form {form.number} was changed by somebody else.")
    return form_of(row)

"""Read the documents that came in: signatures, terms, the record that each belongs to; then have the record looked at.

Runs as a job, one document after the other, each in a process of its own. A document that cannot be read is refused
with its reason; one whose reading was cut short is read again. A process that dies leaves its document to the next one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from connector.domain.form_readings import ATTACHMENT, CheckedForm
from connector.domain.fulfilment import MOST_ATTEMPTS, retry_wait
from connector.domain.salesforce_ids import NotASalesforceId, id18
from connector.domain.terms import RecordRef
from connector.errors import ConnectorError, Refused, Retryable
from connector.logs import log
from connector.order_forms.apart import FormQuestion
from connector.ports import Clock, Org
from connector.store import envelopes, order_forms
from connector.store.form_rows import Refusal, StoredForm
from connector.store.unit_of_work import Database
from connector.usecases.announce_form import announce_form
from connector.usecases.form_settings import FORM_OBJECT, FormSettings
from connector.usecases.judge_form import judge_alone
from connector.usecases.locate_record import locate_record
from connector.usecases.start_look import StartsWork

Check = Callable[[FormQuestion], CheckedForm]
"""Looks through one document; raises FormRefused errors, and Retryable when it should be tried again."""

# Longer than any reading may take.
_CLAIM = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class FormsRead:
    """How many documents were read, refused, and left for another try."""

    read: int = 0
    refused: int = 0
    failed: int = 0


@dataclass(frozen=True, slots=True)
class FormReadingDesk:
    """What reading needs; `check` is not for several threads at once."""

    database: Database
    clock: Clock
    starter: StartsWork
    orgs: Mapping[str, Org]
    settings: FormSettings
    check: Check

    def read_due(self, *, limit: int = 20) -> FormsRead:
        """Read up to so many documents that wait. Any number of processes may do this at once."""
        counts = {"read": 0, "refused": 0, "failed": 0}
        for _ in range(limit):
            now = self.clock.now()
            with self.database.unit_of_work() as work:
                form = order_forms.claim(work=work, now=now, until=now + _CLAIM)
                work.commit()
            if form is None:
                break
            counts[self._read(form)] += 1
        return FormsRead(**counts)

    def _read(self, form: StoredForm) -> str:
        try:
            checked = self._checked(form)
            ref, is_ours, checked = self._known(form, checked)
            self._save(form, checked, ref, is_ours)
        except Exception as error:  # noqa: BLE001 - one document that cannot be read holds up no other; it says why
            return self._not_read(form, error)
        return "read"

    def _checked(self, form: StoredForm) -> CheckedForm:
        with self.database.reading() as connection:
            content = order_forms.load_content(connection=connection, sha256=form.sha256)
        settings = self.settings
        return self.check(
            FormQuestion(
                content=content,
                now=self.clock.now(),
                roots=settings.roots,
                layouts=settings.layouts,
                attachments=settings.attachments,
                limits=settings.limits,
            )
        )

    def _known(self, form: StoredForm, checked: CheckedForm) -> tuple[RecordRef | None, bool, CheckedForm]:
        """The record, whether the pages are ours, and the reading without the doubt that this takes away."""
        reading = checked.reading
        made_ref, is_ours = self._made(form, reading.made_id)
        if is_ours:
            left = tuple(one for one in reading.questions if one.name != ATTACHMENT)
            reading = replace(reading, questions=left)
        named = [form.ref.record_id] if form.ref else []
        named += [self._of_envelope(form), made_ref.record_id if made_ref else "", reading.text("salesforce_id")]
        record_id = next((one for one in named if one), "")
        if form.ref is not None and form.ref.object == FORM_OBJECT:
            # Only we say that a document stands alone; what it says of itself may name another one.
            return form.ref, is_ours, replace(checked, reading=reading)
        ref = self._located(record_id, made_ref) if record_id else None
        if ref is None and self.settings.rules.may_stand_alone and not record_id and self.settings.stand_alone_org:
            ref = RecordRef(self.settings.stand_alone_org, FORM_OBJECT, f"FORM{form.id:014}")
        return ref, is_ours, replace(checked, reading=reading)

    def _located(self, record_id: str, made_ref: RecordRef | None) -> RecordRef | None:
        try:
            record_id = id18(record_id)
        except NotASalesforceId:
            return None
        if made_ref is not None and made_ref.record_id == record_id:
            return made_ref
        return locate_record(orgs=self.orgs, record_id=record_id)

    def _of_envelope(self, form: StoredForm) -> str:
        if form.envelope_id is None:
            return ""
        with self.database.reading() as connection:
            return envelopes.load(connection=connection, envelope_id=form.envelope_id).record_id

    def _made(self, form: StoredForm, made_id: str) -> tuple[RecordRef | None, bool]:
        """The order form of ours that this one began as, and whether it still begins with our very bytes."""
        if not made_id:
            return None, False
        with self.database.reading() as connection:
            made = order_forms.load_made(connection=connection, made_ref=made_id)
            if made is None:
                return None, False
            ref, digest, size = made
            content = order_forms.load_content(connection=connection, sha256=form.sha256)
        return ref, hashlib.sha256(content[:size]).hexdigest() == digest

    def _save(self, form: StoredForm, checked: CheckedForm, ref: RecordRef | None, is_ours: bool) -> None:
        now = self.clock.now()
        with self.database.unit_of_work() as work:
            locked = order_forms.lock(work=work, form_id=form.id)
            read = order_forms.save_read(
                work=work, form=locked, checked=checked, ref=ref, is_ours=is_ours, now=now
            )  # fmt: skip
            if not announce_form(work=work, starter=self.starter, form=read, now=now):
                judge_alone(work=work, form=read, settings=self.settings, now=now)
            work.commit()

    def _not_read(self, form: StoredForm, error: Exception) -> str:
        now = self.clock.now()
        refusal, again_at = _told(error, form, now)
        if not isinstance(error, ConnectorError):
            log.exception("form_not_read", form=form.number)
        with self.database.unit_of_work() as work:
            locked = order_forms.lock(work=work, form_id=form.id)
            order_forms.save_refused(work=work, form=locked, refusal=refusal, again_at=again_at, now=now)
            work.commit()
        log.warning("form_not_read", form=form.number, code=refusal.code)
        return "refused" if again_at is None else "failed"


def _told(error: Exception, form: StoredForm, now: datetime) -> tuple[Refusal, datetime | None]:
    """What people read about it, and when it is tried again (None: never by itself)."""
    if isinstance(error, Refused):
        return Refusal(error.code, str(error), error.fix), None
    if isinstance(error, ConnectorError):
        refusal = Refusal(error.code, str(error), error.fix)
    else:
        message = f"Countersign met an error of its own ({type(error).__name__}) while it read this document."
        refusal = Refusal("UNEXPECTED", message, "Report it with the number of the order form.")
    is_over = form.attempts >= MOST_ATTEMPTS and not isinstance(error, Retryable)
    wait = retry_wait(attempt=min(form.attempts, MOST_ATTEMPTS - 1)) or 0
    return refusal, None if is_over else now + timedelta(seconds=wait)

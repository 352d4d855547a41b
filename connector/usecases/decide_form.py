"""People decide about an order form: answer what is unclear, confirm a signature, accept or reject, name its record.

Each decision has a person and, where it overrules something, a reason; it goes into the audit log in the transaction
that makes it, and the record is looked at again. Nothing that was read is changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from connector.domain.form_readings import AGREES, ATTACHMENT, FoundValue, ReadFrom, is_known_name
from connector.domain.form_signatures import Confirmation
from connector.domain.form_states import FormEvent, FormState, findings_of
from connector.domain.review import Actor
from connector.domain.tie_out import label_of
from connector.errors import NotFound, Refused
from connector.order_forms.layouts import PLAIN
from connector.order_forms.values import Unclear, read_value
from connector.ports import Clock, Org
from connector.store import audit, envelopes, order_forms
from connector.store.form_rows import StoredForm
from connector.store.unit_of_work import Database, UnitOfWork
from connector.usecases.announce_form import announce_form
from connector.usecases.form_settings import FormSettings
from connector.usecases.judge_form import DIFFERS, judge_alone
from connector.usecases.locate_record import locate_record
from connector.usecases.receive_order_form import FORM_CHAIN, FormReceipt, receive_order_form
from connector.usecases.resync import salesforce_id18
from connector.usecases.start_look import StartsWork

_SHORTEST_REASON, _LONGEST_REASON = 5, 1000
_LONGEST_ANSWER = 500
# As in the API, but for the end: people name the last day with service.
_AS_PEOPLE_WRITE = replace(PLAIN, is_last_day=True)


class FormDecisionRefused(Refused):
    """This decision cannot be made now."""

    code = "FORM_DECISION"
    owner = "finance"
    fix = "Look at the order form as it is now, and decide again."
    http_status = 422


@dataclass(frozen=True, slots=True)
class FormDesk:
    """What decisions need; made once per process."""

    database: Database
    clock: Clock
    starter: StartsWork
    orgs: Mapping[str, Org]
    settings: FormSettings

    def receive(self, **what: Any) -> FormReceipt:
        """A document comes in; see `receive_order_form`."""
        return receive_order_form(
            database=self.database, clock=self.clock, limits=self.settings.limits, **what
        )  # fmt: skip

    def accept(self, *, form_id: int, actor: Actor, reason: str) -> None:
        """Go on with the order as Salesforce has it, although the document says something else."""
        told = _reason(reason)
        with self.database.unit_of_work() as work:
            form = order_forms.lock(work=work, form_id=form_id)
            if form.state is not FormState.OPEN or form.compared is None:
                raise FormDecisionRefused(f"The order form {form.number} has no differences to accept.")
            if any(fault.code != DIFFERS for fault in _findings(form)):
                raise FormDecisionRefused(
                    f"The order form {form.number} is not signed or not clear; differences alone can be accepted.",
                    fix="Confirm the signature and answer the questions first.",
                )
            moved = order_forms.move(
                work=work, form=form, event=FormEvent.ACCEPT, now=self.clock.now(), actor=actor.name, reason=told,
                accepted_hash=form.findings_hash, **_decided(actor, told, self.clock.now()),
            )  # fmt: skip
            self._conclude(work, form, moved, "accept", actor, told, [one.message for one in form.differences])

    def reject(self, *, form_id: int, actor: Actor, reason: str) -> None:
        """The document does not count; the order waits for another one, or goes on without when none is needed."""
        told = _reason(reason)
        with self.database.unit_of_work() as work:
            form = order_forms.lock(work=work, form_id=form_id)
            moved = order_forms.move(
                work=work, form=form, event=FormEvent.REJECT, now=self.clock.now(), actor=actor.name, reason=told,
                **_decided(actor, told, self.clock.now()),
            )  # fmt: skip
            self._conclude(work, form, moved, "reject", actor, told)

    def confirm(self, *, form_id: int, actor: Actor, reason: str) -> None:
        """A named person says that the document is signed, and how they know: the last resort of the policy."""
        told, now = _reason(reason), self.clock.now()
        if not self.settings.policy.by_confirmation:
            raise FormDecisionRefused("A person's word does not make a document signed here (see [order_forms]).")
        with self.database.unit_of_work() as work:
            form = _readable(order_forms.lock(work=work, form_id=form_id))
            said = order_forms.save_said(
                work=work, form=form, now=now, confirmation=Confirmation(actor.name, now, told)
            )  # fmt: skip
            self._conclude(work, form, said, "confirm", actor, told)

    def answer(self, *, form_id: int, actor: Actor, answers: Mapping[str, str]) -> None:
        """What a person read in the document where we could not. Texts are held to the forms of the API.

        Raises FormDecisionRefused that names the first answer which is none.
        """
        with self.database.unit_of_work() as work:
            form = _readable(order_forms.lock(work=work, form_id=form_id))
            given = {name: _answer(name, text, actor) for name, text in answers.items() if text.strip()}
            if not given:
                raise FormDecisionRefused("There is no answer.")
            said = order_forms.save_said(work=work, form=form, now=self.clock.now(), answers={**form.answers, **given})
            told = {name: value.value for name, value in given.items()}
            self._conclude(work, form, said, "answer", actor, "", told)

    def attach(self, *, form_id: int, actor: Actor, salesforce_id: str) -> None:
        """Name the record that the document belongs to. Raises NotFound when no org has it."""
        record_id = salesforce_id18(salesforce_id)
        ref = locate_record(orgs=self.orgs, record_id=record_id)
        if ref is None:
            raise NotFound(f"No connected org has a record {record_id} of a kind that is mapped.")
        with self.database.unit_of_work() as work:
            form = _readable(order_forms.lock(work=work, form_id=form_id))
            attached = order_forms.attach(work=work, form=form, ref=ref, now=self.clock.now())
            if form.ref is not None:
                # The record that it leaves may go on without it.
                announce_form(work=work, starter=self.starter, form=form, now=self.clock.now())
            self._conclude(work, form, attached, "attach", actor, "", {"record": record_id})

    def read_again(self, *, form_id: int, actor: Actor) -> None:
        """Read the document once more, because the settings have changed."""
        with self.database.unit_of_work() as work:
            form = order_forms.lock(work=work, form_id=form_id)
            moved = order_forms.move(
                work=work, form=form, event=FormEvent.READ_AGAIN, now=self.clock.now(), actor=actor.name,
                attempts=0, not_before=None, accepted_hash="",
            )  # fmt: skip
            self._conclude(work, form, moved, "read_again", actor, "", is_final=False)

    def fetch_again(self, *, envelope_id: int, actor: Actor) -> None:
        """Fetch the documents of an envelope once more. Raises NotFound, and FormDecisionRefused for one under way."""
        now = self.clock.now()
        with self.database.unit_of_work() as work:
            before = envelopes.load(connection=work.connection, envelope_id=envelope_id)
            if not envelopes.fetch_again(work=work, envelope_id=envelope_id, now=now):
                raise FormDecisionRefused(f"The envelope {before.envelope_ref} is {before.state}; nothing was changed.")
            audit.append(
                work=work, chain=FORM_CHAIN, at=now, actor=actor.name, role=actor.role, subject=envelopes.SUBJECT,
                subject_id=envelope_id, event="fetch_again", before=before.state, after=envelopes.DUE,
                data={"provider": before.provider, "envelope": before.envelope_ref},
            )  # fmt: skip
            work.commit()

    def _conclude(
        self,
        work: UnitOfWork,
        before: StoredForm,
        after: StoredForm,
        event: str,
        actor: Actor,
        reason: str,
        data: Any = None,
        *,
        is_final: bool = True,
    ) -> None:
        now = self.clock.now()
        audit.append(
            work=work, chain=FORM_CHAIN, at=now, actor=actor.name, role=actor.role, subject=order_forms.SUBJECT,
            subject_id=before.id, event=event, before=before.state.value, after=after.state.value, reason=reason,
            data=data,
        )  # fmt: skip
        is_announced = is_final and announce_form(work=work, starter=self.starter, form=after, now=now)
        if is_final and not is_announced and after.state in (FormState.READ, FormState.OPEN, FormState.AGREED):
            judge_alone(work=work, form=after, settings=self.settings, now=now)
        work.commit()


def _findings(form: StoredForm) -> Any:
    assert form.verdict is not None
    return findings_of(number=form.number, verdict=form.verdict, reading=form.reading, differences=form.differences)


def _readable(form: StoredForm) -> StoredForm:
    if form.state in (FormState.RECEIVED, FormState.RETRYING, FormState.REFUSED, FormState.REJECTED):
        raise FormDecisionRefused(f"The order form {form.number} is {form.state}.")
    return form


def _reason(reason: str) -> str:
    told = " ".join("".join(sign if sign.isprintable() else " " for sign in reason).split())
    if not _SHORTEST_REASON <= len(told) <= _LONGEST_REASON:
        raise FormDecisionRefused(
            "The reason is missing or too long.",
            fix=f"Say why in {_SHORTEST_REASON} to {_LONGEST_REASON} letters; it stays in the audit log.",
        )
    return told


def _decided(actor: Actor, reason: str, now: datetime) -> dict[str, Any]:
    return {"decided_by": actor.name, "decision_reason": reason, "decided_at": now}


def _answer(name: str, text: str, actor: Actor) -> FoundValue:
    if not is_known_name(name) or len(text) > _LONGEST_ANSWER:
        raise FormDecisionRefused(f"{name[:60]} is no value of an order form.")
    if name == ATTACHMENT:
        if text != AGREES:
            raise FormDecisionRefused("Say whether the attachment agrees with the pages.")
        return FoundValue(AGREES, AGREES, ReadFrom.PERSON, who=actor.name)
    try:
        read = read_value(name=name.rpartition(".")[2], text=text, layout=_AS_PEOPLE_WRITE)
    except Unclear as error:
        raise FormDecisionRefused(
            f"{label_of(name)}: {error}.",
            fix="Write days as 2026-03-31 (the end is the last day with service), figures as 1234.50.",
        ) from error
    return FoundValue(read.value, text, ReadFrom.PERSON, who=actor.name)

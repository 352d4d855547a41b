"""What an order form comes to: signed or not, clear or not, in agreement with its order or not; its state follows.

Exists so that a look at a record and a document without a record are judged by the same rule.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from connector.domain.form_readings import ATTACHMENT
from connector.domain.form_signatures import Verdict, judge
from connector.domain.form_states import FormEvent, FormState, findings_hash, findings_of
from connector.domain.tie_out import FormDifference, OrderFacts, Person, comparison, paper_faults, tie_out_form
from connector.errors import Fault
from connector.store import envelopes, order_forms
from connector.store.form_rows import StoredForm, document_of
from connector.store.unit_of_work import UnitOfWork
from connector.usecases.form_settings import FormSettings

DIFFERS = "FORM_DIFFERS"


def verdict_of(*, work: UnitOfWork, form: StoredForm, settings: FormSettings) -> Verdict:
    """Whether the document counts as signed."""
    envelope = None
    if form.envelope_id is not None:
        envelope = envelopes.load(connection=work.connection, envelope_id=form.envelope_id).as_envelope()
    return judge(signatures=form.signatures, policy=settings.policy, envelope=envelope, confirmation=form.confirmation)


def judge_with_order(
    *, work: UnitOfWork, form: StoredForm, facts: OrderFacts, settings: FormSettings, now: datetime
) -> tuple[Fault, ...]:
    """Tie the document out with its order and keep what was found; answers what a person must decide first."""
    reading = form.reading
    named = replace(facts, signers=_signers(work, form))
    differences = (
        *paper_faults(reading), *tie_out_form(reading=reading, facts=named, needed=settings.rules.needed),
    )  # fmt: skip
    rows = comparison(reading=reading, facts=named, differences=differences)
    return _keep(work, form, settings, differences, document_of(rows), now)


def judge_alone(*, work: UnitOfWork, form: StoredForm, settings: FormSettings, now: datetime) -> None:
    """A document that belongs to no record yet: signed or not, clear or not, and somebody must say whose it is."""
    nowhere = FormDifference(
        "record", "Record", "", "", "It belongs to no Salesforce record that we know; name the record on its page."
    )
    _keep(work, form, settings, (*paper_faults(form.reading), nowhere), None, now)


def _keep(
    work: UnitOfWork,
    form: StoredForm,
    settings: FormSettings,
    differences: tuple[FormDifference, ...],
    compared: object,
    now: datetime,
) -> tuple[Fault, ...]:
    verdict = verdict_of(work=work, form=form, settings=settings)
    reading = form.reading
    if ATTACHMENT in form.answers:
        reading = replace(reading, questions=tuple(one for one in reading.questions if one.name != ATTACHMENT))
    faults = findings_of(number=form.number, verdict=verdict, reading=reading, differences=differences)
    digest = findings_hash(faults)
    is_accepted = bool(faults) and digest == form.accepted_hash and all(fault.code == DIFFERS for fault in faults)
    values = {
        "verdict": document_of(verdict), "differences": document_of(differences), "compared": compared,
        "findings_hash": digest, "tied_out_at": now,
    }  # fmt: skip
    if not faults:
        order_forms.move(work=work, form=form, event=FormEvent.AGREE, now=now, **values)
    elif is_accepted and form.state is FormState.ACCEPTED:
        order_forms.save_said(work=work, form=form, now=now, **values)
    elif is_accepted and form.state is FormState.OPEN:
        order_forms.move(work=work, form=form, event=FormEvent.ACCEPT, now=now, **values)
    else:
        order_forms.move(
            work=work, form=form, event=FormEvent.ASK, now=now, reason=faults[0].message, **values
        )  # fmt: skip
    return () if is_accepted else faults


def _signers(work: UnitOfWork, form: StoredForm) -> tuple[Person, ...]:
    """Whom the signatures name, else whom the provider names."""
    people = tuple(Person(one.signer, one.email) for one in form.signatures if one.is_good and not one.is_timestamp)
    if people or form.envelope_id is None:
        return people
    return envelopes.load(connection=work.connection, envelope_id=form.envelope_id).signers

"""The life of an order form: its states, what may follow what, and what the tie-out makes of it.

An order form is open until it agrees with its order or a person decided. The store moves rows only along these edges;
`countersign transitions` draws them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from connector.domain.form_readings import FormReading
from connector.domain.form_signatures import Verdict
from connector.domain.fulfilment import IllegalTransition
from connector.domain.tie_out import FormDifference, label_of
from connector.errors import Fault

# The org of an order form that is an order by itself and belongs to none of the configured orgs.
NO_ORG = "none"


class FormState(StrEnum):
    """How far an order form is; `open` waits for a person, `refused` and `rejected` do not count."""

    RECEIVED = "received"
    RETRYING = "retrying"
    REFUSED = "refused"
    READ = "read"
    OPEN = "open"
    AGREED = "agreed"
    ACCEPTED = "accepted"
    REJECTED = "rejected"


class FormEvent(StrEnum):
    """What moves an order form."""

    READ = "read"
    RETRY = "retry"
    REFUSE = "refuse"
    ASK = "ask"
    AGREE = "agree"
    ACCEPT = "accept"
    REJECT = "reject"
    READ_AGAIN = "read_again"


_S, _E = FormState, FormEvent
_LOOKED_AT = (_S.READ, _S.OPEN, _S.AGREED, _S.ACCEPTED)

FORM_TRANSITIONS: dict[tuple[FormState, FormEvent], FormState] = {
    (_S.RECEIVED, _E.READ): _S.READ,
    (_S.RECEIVED, _E.RETRY): _S.RETRYING,
    (_S.RECEIVED, _E.REFUSE): _S.REFUSED,
    (_S.RETRYING, _E.READ): _S.READ,
    (_S.RETRYING, _E.RETRY): _S.RETRYING,
    (_S.RETRYING, _E.REFUSE): _S.REFUSED,
    # Each look at the record ties out anew; Salesforce may have changed since.
    **{(state, _E.ASK): _S.OPEN for state in _LOOKED_AT},
    **{(state, _E.AGREE): _S.AGREED for state in _LOOKED_AT},
    # A person accepts the differences that are shown; a new one asks again.
    (_S.OPEN, _E.ACCEPT): _S.ACCEPTED,
    **{(state, _E.REJECT): _S.REJECTED for state in (*_LOOKED_AT, _S.REFUSED)},
    # After a change of the settings, or when somebody was wrong.
    **{(state, _E.READ_AGAIN): _S.RECEIVED for state in (*_LOOKED_AT, _S.REFUSED, _S.REJECTED)},
}


def form_after(state: FormState, event: FormEvent) -> FormState:
    """The order form's next state. Raises IllegalTransition when the table has no such edge."""
    try:
        return FORM_TRANSITIONS[state, event]
    except KeyError as error:
        raise IllegalTransition(f"An order form that is {state} cannot {event}.") from error


@dataclass(frozen=True, slots=True)
class FormRules:
    """What an order form means for its order.

    `is_required`: no order without a signed document. `signs_record`: a signed document that agrees makes its record
    count as signed, whatever the record's own status says. `needed` are the values that a document must name.
    `may_stand_alone`: a document without a Salesforce record can become an order by itself.
    """

    is_required: bool = False
    signs_record: bool = False
    needed: tuple[str, ...] = ("customer_name", "currency", "total")
    may_stand_alone: bool = False


def findings_of(
    *, number: str, verdict: Verdict, reading: FormReading, differences: Sequence[FormDifference]
) -> tuple[Fault, ...]:
    """Everything about an order form that a person must decide, as faults of its order; empty when it agrees."""
    faults = []
    if not verdict.is_signed:
        fix = f"Send the signed document, or confirm the signature of {number} on its page with a reason."
        faults.append(Fault("FORM_NOT_SIGNED", f"Order form {number}: {verdict.reason}", fix, "sales rep", number))
    for question in reading.questions:
        message = f"Order form {number}, {label_of(question.name)}: {question.reason}"
        faults.append(Fault("FORM_UNCLEAR", message, "Answer on its page.", "finance", number, question.name))
    for one in differences:
        fix = "Correct Salesforce or the document; or decide on the page of the order form, with a reason."
        message = f"Order form {number}: {one.message}"
        faults.append(Fault("FORM_DIFFERS", message, fix, "sales rep", number, one.name, one.paper))
    return tuple(faults)


def findings_hash(faults: Sequence[Fault]) -> str:
    """The same for the same findings: a person's acceptance holds for exactly these."""
    text = "\n".join(f"{fault.code}|{fault.field}|{fault.message}" for fault in faults)
    return hashlib.sha256(text.encode()).hexdigest()


def form_number(form_id: int) -> str:
    """How people call an order form: F-000042."""
    return f"F-{form_id:06}"

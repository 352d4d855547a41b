"""The life of one mail to one customer: its states, what may follow what, and which addresses can be written to.

Exists so that "did they get it?" is answered by reading. A mail exists only for an issued document. Nobody can know
whether a mail that was cut off has arrived; such a mail is sent again under the same name, and says so, because an
invoice that came twice costs a moment and one that never came costs the money. It must not write or send anything.
"""

from __future__ import annotations

import re
from enum import StrEnum

from connector.domain.fulfilment import IllegalTransition
from connector.errors import Refused

_LONGEST_ADDRESS = 254
_LOCAL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}")
_LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?")


class AddressRefused(Refused):
    """That is no e-mail address that we can write to."""

    code = "ADDRESS_REFUSED"
    owner = "finance"
    fix = "Correct the e-mail address on the account, and send the document again to the right one."


class DeliveryState(StrEnum):
    """How far a mail is."""

    PREPARED = "prepared"
    SENDING = "sending"
    SENT = "sent"
    RETRYING = "retrying"
    UNCERTAIN = "uncertain"
    FAILED = "failed"
    BOUNCED = "bounced"
    CANCELLED = "cancelled"


class DeliveryEvent(StrEnum):
    """What happens to a mail."""

    SEND = "send"
    ACCEPT = "accept"
    DEFER = "defer"
    LOSE = "lose"
    REFUSE = "refuse"
    BOUNCE = "bounce"
    CANCEL = "cancel"


_S, _E = DeliveryState, DeliveryEvent

DELIVERY_TRANSITIONS: dict[tuple[DeliveryState, DeliveryEvent], DeliveryState] = {
    (_S.PREPARED, _E.SEND): _S.SENDING,
    # An address that is none, or a document that has nobody to send it to.
    (_S.PREPARED, _E.REFUSE): _S.FAILED,
    (_S.SENDING, _E.ACCEPT): _S.SENT,
    (_S.SENDING, _E.DEFER): _S.RETRYING,
    (_S.SENDING, _E.REFUSE): _S.FAILED,
    # The connection broke, or our process died, after the text had left: it may have arrived.
    (_S.SENDING, _E.LOSE): _S.UNCERTAIN,
    (_S.RETRYING, _E.SEND): _S.SENDING,
    (_S.RETRYING, _E.REFUSE): _S.FAILED,
    # Sent again under the same Message-ID, by which most mail systems drop the second one.
    (_S.UNCERTAIN, _E.SEND): _S.SENDING,
    (_S.UNCERTAIN, _E.REFUSE): _S.FAILED,
    # The receiving side took it and gave it back later.
    (_S.SENT, _E.BOUNCE): _S.BOUNCED,
    # A report that comes before we wrote down that it was sent, or after we gave up on a mail that had arrived.
    (_S.SENDING, _E.BOUNCE): _S.BOUNCED,
    (_S.UNCERTAIN, _E.BOUNCE): _S.BOUNCED,
    # A reminder of what was paid, disputed or promised meanwhile; an uncertain one may have arrived once already.
    (_S.PREPARED, _E.CANCEL): _S.CANCELLED,
    (_S.RETRYING, _E.CANCEL): _S.CANCELLED,
    (_S.UNCERTAIN, _E.CANCEL): _S.CANCELLED,
    # Nothing follows FAILED, BOUNCED and CANCELLED: sending again is another mail, so that what happened stays told.
}

# A sender may take these when their time has come; SENDING only when the one who took it has died.
TO_SEND = (_S.PREPARED, _S.RETRYING, _S.UNCERTAIN, _S.SENDING)
# On their way: asking for the same mail again only makes it sooner.
PENDING = TO_SEND


def delivery_after(state: DeliveryState, event: DeliveryEvent) -> DeliveryState:
    """The state after the event. Raises IllegalTransition for an edge that is not in the table."""
    after = DELIVERY_TRANSITIONS.get((state, event))
    if after is None:
        raise IllegalTransition(f"A mail that is {state} cannot {event}.")
    return after


def mail_address(text: str) -> str:
    """The address as it goes on the wire, with an international domain in its ASCII form. Raises AddressRefused."""
    local, at, domain = text.strip().rpartition("@")
    try:
        wire = domain.encode("idna").decode("ascii").lower() if at else ""
    except UnicodeError:
        wire = ""
    labels = wire.split(".")
    is_domain = len(labels) > 1 and all(_LABEL.fullmatch(label) for label in labels)
    is_local = _LOCAL.fullmatch(local) is not None and not local.startswith(".") and ".." not in local
    if not (is_domain and is_local) or local.endswith(".") or len(local) + 1 + len(wire) > _LONGEST_ADDRESS:
        raise AddressRefused(f"{text[:80]!r} is not an e-mail address that mail can be sent to.")
    return f"{local}@{wire}"


def message_id_of(*, delivery_id: int, sender: str) -> str:
    """The name of a mail, made of our row: the same on every attempt, so that a second copy can be known as one."""
    return f"<delivery-{delivery_id}@{sender.rpartition('@')[2]}>"

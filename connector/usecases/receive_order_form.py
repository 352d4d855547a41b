"""A document comes in: kept with its bytes, its message and its row in one transaction, and read later.

Every way in ends here: the API, the page, the watched folder, the envelope of a provider. The same bytes twice do
nothing. Nothing of the document is opened here but its first kilobyte.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

from connector.domain.salesforce_ids import NotASalesforceId, id18
from connector.domain.terms import RecordRef
from connector.errors import Refused
from connector.order_forms.limits import FormLimits
from connector.order_forms.refusals import FormTooLarge, NotAPdf
from connector.ports import Clock
from connector.store import audit, inbox, order_forms
from connector.store.form_rows import StoredForm
from connector.store.inbox import Message
from connector.store.order_forms import NewForm
from connector.store.unit_of_work import Database, UnitOfWork

API, PAGE, FOLDER, DOCUSIGN = "api", "page", "folder", "docusign"
_SOURCE = "order-form"
_HEAD = 1024
_LONGEST_NAME = 200


class OtherRecord(Refused):
    """This document was received before, for another record."""

    code = "FORM_OF_ANOTHER_RECORD"
    owner = "caller"
    fix = "Look at the order form and move it there if it belongs to the other record; nothing was changed."
    http_status = 409


@dataclass(frozen=True, slots=True)
class FormReceipt:
    """The order form, and whether these bytes are new."""

    form: StoredForm
    is_new: bool


def receive_order_form(
    *,
    database: Database,
    clock: Clock,
    limits: FormLimits,
    content: bytes,
    source: str,
    file_name: str = "",
    received_by: str = "",
    salesforce_id: str = "",
    envelope_id: int | None = None,
) -> FormReceipt:
    """Keep a document. `salesforce_id` names the record that it belongs to, as far as the sender knows.

    Raises NotAPdf, FormTooLarge, NotASalesforceId, and OtherRecord when known bytes come for another record.
    """
    if len(content) > limits.largest_file:
        raise FormTooLarge(f"The file has {len(content):,} bytes; at most {limits.largest_file:,} are taken.")
    if b"%PDF-" not in content[:_HEAD]:
        raise NotAPdf("The file does not begin as a PDF does.")
    ref = RecordRef("", "", id18(salesforce_id)) if salesforce_id else None
    form = NewForm(content, source, printable_name(file_name), received_by, ref, envelope_id)
    now = clock.now()
    with database.unit_of_work() as work:
        _keep_message(work, form, clock)
        kept, is_new = order_forms.put(work=work, form=form, now=now)
        if not is_new:
            kept = _completed(work, kept, form, clock)
        else:
            _tell_audit(work, kept, form, clock)
        work.commit()
    return FormReceipt(kept, is_new)


def printable_name(name: str) -> str:
    """The file's own name without folders and without what could not be shown."""
    last = name.replace("\\", "/").rpartition("/")[2]
    return "".join(sign for sign in last if sign.isprintable())[:_LONGEST_NAME]


def is_record_id(text: str) -> bool:
    """Whether the text is a Salesforce id."""
    try:
        id18(text)
    except NotASalesforceId:
        return False
    return True


def _keep_message(work: UnitOfWork, form: NewForm, clock: Clock) -> None:
    """The inbox tells what came, when and from where; the bytes themselves are kept with the order form."""
    digest = hashlib.sha256(form.content).hexdigest()
    told = {"sha256": digest, "size": len(form.content), "file": form.file_name, "by": form.received_by}
    message = Message(
        source=_SOURCE, message_id=digest, kind=form.source, org_id="", object="", record_id="", ignored_because=""
    )
    if inbox.known(work=work, messages=[message]):
        return
    rows = inbox.put_all(
        work=work, messages=[message], body=json.dumps(told).encode(), content_type="application/json", at=clock.now()
    )
    inbox.finish(work=work, rows=rows, at=clock.now())


def _completed(work: UnitOfWork, kept: StoredForm, form: NewForm, clock: Clock) -> StoredForm:
    """Known bytes: what the sender knows more is added, and what contradicts is refused."""
    if form.ref is None or (kept.ref is not None and kept.ref.record_id == form.ref.record_id):
        return kept
    if kept.ref is not None:
        raise OtherRecord(f"The document is the order form {kept.number} of the record {kept.ref.record_id}.")
    return order_forms.attach(work=work, form=kept, ref=form.ref, now=clock.now())


def _tell_audit(work: UnitOfWork, kept: StoredForm, form: NewForm, clock: Clock) -> None:
    audit.append(
        work=work,
        chain=FORM_CHAIN,
        at=clock.now(),
        actor=form.received_by or "countersign",
        subject=order_forms.SUBJECT,
        subject_id=kept.id,
        event="receive",
        data={"sha256": kept.sha256, "source": form.source, "file": form.file_name},
    )


# The audit log of everything that is decided about order forms.
FORM_CHAIN = "order-forms"

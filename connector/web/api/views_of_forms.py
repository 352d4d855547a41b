"""What the API's addresses of order forms do: take a signed PDF, tell what became of it."""

from __future__ import annotations

from flask import g, url_for

from connector.errors import NotFound
from connector.services import current_services
from connector.store import queries_order_forms
from connector.web.api.answers_of_forms import FormAnswer, FormFindingAnswer, FormReceivedAnswer, FormSignatureAnswer
from connector.web.uploads import read_upload

_PREFIX, _LONGEST = "F-", 18


def send_order_form() -> FormReceivedAnswer:
    """Take in a signed PDF (multipart: `file`, optional `salesforce_id`). The same bytes again change nothing."""
    upload = read_upload()
    receipt = current_services().forms.receive(
        content=upload.content,
        source="api",
        file_name=upload.file_name,
        received_by=f"token {g.token.name}",
        salesforce_id=upload.salesforce_id,
    )
    form = receipt.form
    return FormReceivedAnswer(
        number=form.number,
        sha256=form.sha256,
        is_new=receipt.is_new,
        state=form.state.value,
        status_url=url_for("api.show_order_form", number=form.number),
    )


def show_order_form(number: str) -> FormAnswer:
    """One order form: its signatures, what differs from Salesforce, what is asked, and its order."""
    digits = number.removeprefix(_PREFIX)
    if not (digits.isascii() and digits.isdigit() and len(digits) <= _LONGEST):
        raise NotFound(f"There is no order form {number}.")
    with current_services().database.reading() as connection:
        found = queries_order_forms.load_form(connection=connection, form_id=int(digits))
    form = found.form
    return FormAnswer(
        number=form.number,
        sha256=form.sha256,
        state=form.state.value,
        source=form.source,
        received_at=form.received_at,
        salesforce_id=form.ref.record_id if form.ref else "",
        order=found.order_number,
        code=form.refusal.code,
        message=form.refusal.message,
        fix=form.refusal.fix,
        is_signed=form.verdict.is_signed if form.verdict else None,
        signed_by=form.verdict.by.value if form.verdict else "",
        reason=form.verdict.reason if form.verdict else "",
        signatures=tuple(
            FormSignatureAnswer(
                field=one.field,
                signer=one.signer,
                email=one.email,
                issuer=one.issuer,
                signed_at=one.signed_at,
                is_time_proven=one.is_time_proven,
                is_good=one.is_good,
                fault=one.fault,
                coverage=one.coverage.value,
                changed_after=one.changed_after.value,
                revocation=one.revocation.value,
            )
            for one in form.signatures
        ),
        differences=tuple(
            FormFindingAnswer(name=one.name, paper=one.paper, salesforce=one.salesforce, message=one.message)
            for one in form.differences
        ),
        questions=tuple(
            FormFindingAnswer(name=one.name, paper=one.written, salesforce="", message=one.reason)
            for one in form.reading.questions
        ),
    )

"""Order forms: the list, the upload, and one beside Salesforce with its pages, where people answer and decide."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, flash, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from connector.domain.form_readings import Question
from connector.domain.review import Actor
from connector.domain.tie_out import label_of
from connector.services import current_services
from connector.store import queries_order_forms
from connector.store.order_forms import load_content, load_picture
from connector.usecases.form_settings import FORM_OBJECT
from connector.usecases.order_of_form import missing_values
from connector.web.form_rows import FORM_CHOICES, FORM_WORDS, shown_pages, stuck_envelope
from connector.web.lists import ListAsked, choices, list_asked, next_url
from connector.web.sessions import MAY_ACT, needs_role, require_login
from connector.web.uploads import allow_large, read_upload

order_forms = Blueprint("order_forms", __name__, url_prefix="/review/order-forms")
order_forms.before_request(require_login)

_LABELS = {state: (words.label, words.tone) for state, words in FORM_WORDS.items()}
# The largest numbers that both databases can hold.
_LARGEST = {"form_id": 2**63 - 1, "envelope_id": 2**63 - 1, "page": 2**31 - 1}
_ANSWER = "answer."


@order_forms.url_value_preprocessor
def keep_numbers(_endpoint: str | None, values: dict[str, Any] | None) -> None:
    """A number that no database holds names nothing, like every other one that was never given."""
    for name in _LARGEST.keys() & (values or {}).keys():
        values[name] = min(values[name], _LARGEST[name])  # type: ignore[index]


@order_forms.before_app_request
def let_uploads_in() -> None:
    """The guard against forged requests reads the form, so the limit must be raised before it does."""
    if request.endpoint == "order_forms.upload":
        allow_large()


@order_forms.get("")
def index() -> str:
    """All order forms, newest first, by state and text."""
    with current_services().database.reading() as connection:
        counts = queries_order_forms.count_forms(connection=connection)
        asked = list_asked(states=queries_order_forms.FORM_STATES)
        page = queries_order_forms.list_forms(
            connection=connection, page=asked.page, state=asked.state, text=asked.text
        )  # fmt: skip
        stuck = queries_order_forms.list_stuck_envelopes(connection=connection) if _is_start(asked) else []
    return render_template(
        "review/order_forms.html",
        envelopes=[stuck_envelope(row) for row in stuck],
        asked=asked,
        rows=page.rows,
        words=FORM_WORDS,
        choices=choices(endpoint="order_forms.index", asked=asked, counts=counts, labels=_LABELS),
        next_url=next_url(endpoint="order_forms.index", asked=asked, next_after=page.next_after),
    )


@order_forms.post("")
@needs_role(MAY_ACT)
def upload() -> AnyResponse:
    """Take in a document."""
    sent = read_upload()
    receipt = current_services().forms.receive(
        content=sent.content, source="page", file_name=sent.file_name, received_by=g.user.name,
        salesforce_id=sent.salesforce_id,
    )  # fmt: skip
    told = "is being read" if receipt.is_new else "was received before; nothing was changed"
    flash(f"{receipt.form.number} {told}.", "info")
    return redirect(url_for("order_forms.show", form_id=receipt.form.id))


@order_forms.get("/<int:form_id>")
def show(form_id: int) -> str:
    """One order form beside Salesforce."""
    with current_services().database.reading() as connection:
        found = queries_order_forms.load_form(connection=connection, form_id=form_id)
    return render_template(
        "review/order_form.html",
        found=found,
        form=found.form,
        words=FORM_WORDS[found.form.state.value],
        pages=shown_pages(found),
        label_of=label_of,
        missing=_missing(found),
        choices=FORM_CHOICES,
        catalogue=sorted(current_services().form_settings.catalogue),
        may_confirm=current_services().form_settings.policy.by_confirmation,
    )


@order_forms.get("/<int:form_id>/pages/<int:page>.png")
def picture(form_id: int, page: int) -> Response:
    """The picture of a page."""
    with current_services().database.reading() as connection:
        png = load_picture(connection=connection, form_id=form_id, page=page)
    return Response(png, content_type="image/png")


@order_forms.get("/<int:form_id>/file")
def download(form_id: int) -> Response:
    """The document itself, never shown inside of our page."""
    with current_services().database.reading() as connection:
        form = queries_order_forms.load_form(connection=connection, form_id=form_id).form
        content = load_content(connection=connection, sha256=form.sha256)
    headers = {"Content-Disposition": f'attachment; filename="{form.number}.pdf"'}
    return Response(content, content_type="application/pdf", headers=headers)


@order_forms.post("/<int:form_id>/<any(accept, reject, confirm):decision>")
@needs_role(MAY_ACT)
def decide(form_id: int, decision: str) -> AnyResponse:
    """Accept the differences, reject the document, or confirm its signature; each with a reason."""
    desk = current_services().forms
    act = {"accept": desk.accept, "reject": desk.reject, "confirm": desk.confirm}[decision]
    act(form_id=form_id, actor=_actor(), reason=request.form.get("reason", ""))
    return _back(form_id, "The decision is kept, and the record is being looked at again.")


@order_forms.post("/<int:form_id>/answers")
@needs_role(MAY_ACT)
def answer(form_id: int) -> AnyResponse:
    """What a person read where we could not."""
    given = {
        name.removeprefix(_ANSWER): value for name, value in request.form.items() if name.startswith(_ANSWER)
    }  # fmt: skip
    current_services().forms.answer(form_id=form_id, actor=_actor(), answers=given)
    return _back(form_id, "The answers are kept.")


@order_forms.post("/<int:form_id>/record")
@needs_role(MAY_ACT)
def attach(form_id: int) -> AnyResponse:
    """Name the record that the document belongs to."""
    salesforce_id = request.form.get("salesforce_id", "").strip()
    current_services().forms.attach(form_id=form_id, actor=_actor(), salesforce_id=salesforce_id)
    return _back(form_id, "The document belongs to that record now, which is being looked at.")


@order_forms.post("/<int:form_id>/read")
@needs_role(MAY_ACT)
def read_again(form_id: int) -> AnyResponse:
    """Read the document once more."""
    current_services().forms.read_again(form_id=form_id, actor=_actor())
    return _back(form_id, "The document is being read again.")


@order_forms.post("/envelopes/<int:envelope_id>/fetch")
@needs_role(MAY_ACT)
def fetch_again(envelope_id: int) -> AnyResponse:
    """Fetch the documents of an envelope once more."""
    current_services().forms.fetch_again(envelope_id=envelope_id, actor=_actor())
    flash("The documents of the envelope are being fetched again.", "info")
    return redirect(url_for("order_forms.index"))


def _missing(found: queries_order_forms.FormDetail) -> tuple[Question, ...]:
    """What a document without a record must still be told."""
    form = found.form
    if form.ref is None or form.ref.object != FORM_OBJECT or form.read_at is None:
        return ()
    asked = {one.name for one in form.reading.questions}
    missing = missing_values(form=form, settings=current_services().form_settings)
    return tuple(one for one in missing if one.name not in asked)


def _is_start(asked: ListAsked) -> bool:
    return asked.is_first_page and not asked.state and not asked.text


def _actor() -> Actor:
    return Actor(g.user.name, g.user.role)


def _back(form_id: int, told: str) -> AnyResponse:
    flash(told, "info")
    return redirect(url_for("order_forms.show", form_id=form_id))

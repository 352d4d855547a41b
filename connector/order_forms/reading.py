"""What a document says, from all its sources at once: attachment, form fields, then the text of its pages.

Exists so that the sources check each other: where two say different things there is no value but a question, because
the signer saw the pages and a machine sees the attachment. Runs in the child process.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal, InvalidOperation

from connector.domain.form_readings import (
    ATTACHMENT,
    FormReading,
    FoundValue,
    PagePicture,
    Question,
    ReadFrom,
)
from connector.order_forms.attached import read_attachment, read_fields
from connector.order_forms.layouts import OUR_LAYOUT, PLAIN, Layout
from connector.order_forms.limits import FormLimits
from connector.order_forms.opening import OpenedForm
from connector.order_forms.text_reading import fits, read_text
from connector.order_forms.words import Row, open_pages, picture_of, rows_of

# Pages that are shown beside Salesforce; what was found stands on the first ones.
_MOST_PICTURES = 12


def read_form(
    *, opened: OpenedForm, layouts: Sequence[Layout], attachments: Sequence[str], limits: FormLimits
) -> tuple[FormReading, tuple[PagePicture, ...]]:
    """What the document says, and pictures of its first pages and of those on which something was found."""
    pages = open_pages(opened.content)
    rows = [row for number in range(1, opened.pages + 1) for row in rows_of(pages, number)]
    reading = _read(opened, rows, layouts, attachments, limits)
    wanted = sorted({*range(1, min(opened.pages, _MOST_PICTURES) + 1), *_pages_found(reading)})
    return reading, tuple(picture_of(pages, number) for number in wanted[:_MOST_PICTURES])


def _read(
    opened: OpenedForm, rows: Sequence[Row], layouts: Sequence[Layout], attachments: Sequence[str], limits: FormLimits
) -> FormReading:
    fitting = [layout for layout in (*layouts, OUR_LAYOUT) if fits(layout, rows)]
    layout = fitting[0] if len(fitting) == 1 else None
    attached = read_attachment(reader=opened.reader, names=attachments, limits=limits)
    fields = read_fields(reader=opened.reader, layout=layout or PLAIN)
    found = fields
    if layout is not None:
        found = _together(fields, read_text(rows=rows, layout=layout))
    if attached is None:
        return found if found.values or found.lines or layout else _nothing_known(found, fitting)
    both = _together(attached, found)
    if layout is not None:
        return both
    reason = "No layout describes these pages, so nobody compared the attachment with what the signer saw."
    return replace(both, questions=(*both.questions, Question(ATTACHMENT, reason)))


def _nothing_known(found: FormReading, fitting: Sequence[Layout]) -> FormReading:
    reason = "No layout in [order_forms] describes this document, and it has no terms as data."
    if fitting:
        names = ", ".join(layout.name for layout in fitting)
        reason = f"Several layouts fit this document ({names}): give each a text in `when` that the others do not have."
    return replace(found, questions=(*found.questions, Question("layout", reason)))


def _together(surer: FormReading, other: FormReading) -> FormReading:
    """Both readings as one: what both say alike is said, what they say differently is a question."""
    questions = [*surer.questions, *other.questions]
    values = _merged(surer.values, other.values, "", questions)
    lines: list[Mapping[str, FoundValue]] = list(surer.lines or other.lines)
    if surer.lines and other.lines:
        if len(surer.lines) != len(other.lines):
            reason = f"There are {len(surer.lines)} lines as data and {len(other.lines)} on the pages."
            questions.append(Question("lines", reason))
        for at, (one, two) in enumerate(zip(surer.lines, other.lines, strict=False)):
            lines[at] = _merged(one, two, f"lines.{at + 1}.", questions)
    return replace(
        surer, values=values, lines=tuple(lines), questions=tuple(questions), layout=other.layout or surer.layout
    )


def _merged(
    surer: Mapping[str, FoundValue], other: Mapping[str, FoundValue], path: str, questions: list[Question]
) -> dict[str, FoundValue]:
    found = dict(other)
    for name, value in surer.items():
        page = other.get(name)
        if page is None:
            found[name] = value
        elif _is_same(value.value, page.value):
            # The surer source with the place where people see it.
            found[name] = replace(value, place=value.place or page.place)
        else:
            del found[name]
            source = "attachment" if value.read_from is ReadFrom.ATTACHMENT else "form field"
            reason = f"The {source} says {value.value}, the page says {page.value}."
            questions.append(Question(f"{path}{name}", reason, page.written, page.place))
    return found


def _is_same(one: str, two: str) -> bool:
    try:
        return Decimal(one) == Decimal(two)
    except InvalidOperation:
        return " ".join(one.split()).casefold() == " ".join(two.split()).casefold()


def _pages_found(reading: FormReading) -> set[int]:
    values = [*reading.values.values(), *(value for line in reading.lines for value in line.values())]
    places = [value.place for value in values] + [question.place for question in reading.questions]
    return {place.page for place in places if place is not None}

"""An order form as PDF, with its terms attached as data: what a customer signs, and what is read without doubt.

Exists so that a document of our own says the same to people and machines. Values come in, bytes go out; it must not
decide what is on it.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import pypdf

from connector.documents.fonts import drawable, families_for
from connector.documents.html import render_order_form_source
from connector.documents.pdf import render_pdf_source

ATTACHMENT = "countersign-order.json"


@dataclass(frozen=True, slots=True)
class OrderFormView:
    """What stands on it: facts by their labels, lines, the total; `made_id` names this very document."""

    made_id: str
    record: str
    facts: tuple[tuple[str, str], ...]
    lines: tuple[Mapping[str, str], ...]
    total: str
    made_on: date


def render_order_form(*, view: OrderFormView, attachment: bytes) -> bytes:
    """The PDF with its attachment. Raises DocumentFailed."""
    page = {
        "made_id": view.made_id,
        "record": drawable(view.record),
        "facts": [(label, drawable(value)) for label, value in view.facts],
        "lines": [{name: drawable(value) for name, value in line.items()} for line in view.lines],
        "total": view.total,
    }
    letters = "".join(value for _, value in view.facts) + "".join(_letters(view.lines))
    source = render_order_form_source(page=page, families=families_for(drawable(letters)))
    return _attached(render_pdf_source(source=source, made_on=view.made_on), attachment)


def amount_on_paper(value: Decimal) -> str:
    """An amount as our order form writes it, with all its digits: three places would read like thousands."""
    text = f"{value:,f}"
    places = len(text.partition(".")[2])
    return f"{text}0" if places == 3 else text


def _letters(lines: Sequence[Mapping[str, str]]) -> list[str]:
    return [value for line in lines for value in line.values()]


def _attached(pdf: bytes, attachment: bytes) -> bytes:
    writer = pypdf.PdfWriter(clone_from=io.BytesIO(pdf))
    writer.add_attachment(ATTACHMENT, attachment)
    target = io.BytesIO()
    writer.write(target)
    return target.getvalue()

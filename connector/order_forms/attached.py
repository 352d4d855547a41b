"""Terms as data inside of the PDF: an attached JSON or XML file, and form fields (AcroForm).

Exists because data needs no reading of pages. What is attached is held to the same forms as everything else, and a
value that is none is a question. Runs in the child process.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

import pypdf
from defusedxml import ElementTree
from defusedxml.common import DefusedXmlException
from pypdf.generic import IndirectObject

from connector.domain.form_readings import (
    HEADER_NAMES,
    LINE_NAMES,
    FormReading,
    FoundValue,
    Place,
    Question,
    ReadFrom,
    is_known_name,
)
from connector.order_forms.layouts import PLAIN, Layout
from connector.order_forms.limits import FormLimits
from connector.order_forms.opening import LIBRARY_FAULTS
from connector.order_forms.values import Unclear, read_value

_MOST_LINES = 500
_LONGEST_VALUE = 500
# Beside the values themselves: whose order form it is, and the whole order for one that stands alone.
_ID = re.compile(r"[\x21-\x7e]{1,64}")
_MADE_ID, _TERMS = "made_id", "terms"


class AttachmentUnreadable(ValueError):
    """The attached file is not what its name says."""


def read_attachment(*, reader: pypdf.PdfReader, names: Sequence[str], limits: FormLimits) -> FormReading | None:
    """The terms of the first attachment with one of the names; None when there is none."""
    for name, content in _attachments(reader, names):
        if len(content) > limits.largest_attachment:
            return FormReading(questions=(Question("attachment", f"The attachment {name} is too large."),))
        try:
            document = _xml(content) if name.casefold().endswith(".xml") else _json(content)
        except AttachmentUnreadable as error:
            return FormReading(questions=(Question("attachment", f"The attachment {name} cannot be read: {error}."),))
        return _reading(document, name)
    return None


def read_fields(*, reader: pypdf.PdfReader, layout: Layout) -> FormReading:
    """The filled-in form fields whose names are ours, or which the layout names."""
    values: dict[str, FoundValue] = {}
    lines: dict[int, dict[str, FoundValue]] = {}
    questions = []
    for field_name, text, place in _fields(reader):
        path = layout.fields.get(field_name, field_name)
        if not is_known_name(path) or not text.strip():
            continue
        head, _, rest = path.partition(".")
        number, _, column = rest.partition(".")
        try:
            read = read_value(name=column or head, text=text[:_LONGEST_VALUE], layout=layout)
        except Unclear as error:
            questions.append(Question(path, f"The form field {field_name} is not clear: {error}.", text[:200], place))
            continue
        found = FoundValue(read.value, text[:_LONGEST_VALUE], ReadFrom.FIELD, place)
        if head == "lines":
            lines.setdefault(int(number), {})[column] = found
        else:
            values[head] = found
    in_order = tuple(lines.get(number, {}) for number in range(1, max(lines, default=0) + 1))
    return FormReading(values, in_order, tuple(questions))


def _attachments(reader: pypdf.PdfReader, names: Sequence[str]) -> Iterator[tuple[str, bytes]]:
    try:
        listed = {one.name: one for one in reader.attachment_list}
    except LIBRARY_FAULTS:
        return
    for name in names:
        if name in listed:
            try:
                yield name, bytes(listed[name].content)
            except LIBRARY_FAULTS:
                yield name, b""


def _json(content: bytes) -> dict[str, Any]:
    try:
        found = json.loads(content.decode("utf-8"), parse_float=Decimal, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise AttachmentUnreadable("it is no JSON") from error
    if not isinstance(found, dict):
        raise AttachmentUnreadable("it is no JSON object")
    return found


def _refuse(name: str) -> None:
    raise ValueError(name)


def _xml(content: bytes) -> dict[str, Any]:
    """Elements by their names; `lines` holds one element for each line. Namespaces do not matter."""
    try:
        root = ElementTree.fromstring(content, forbid_dtd=True)
    except (ElementTree.ParseError, DefusedXmlException, ValueError) as error:
        raise AttachmentUnreadable("it is no XML, or has a DTD") from error
    found: dict[str, Any] = {}
    for element in root:
        name = _local(element.tag)
        if name == "lines":
            found[name] = [{_local(cell.tag): (cell.text or "").strip() for cell in line} for line in element]
        else:
            found[name] = (element.text or "").strip()
    return found


def _local(tag: object) -> str:
    return str(tag).rpartition("}")[2]


def _reading(document: Mapping[str, Any], name: str) -> FormReading:
    questions: list[Question] = []
    values = _values(document, HEADER_NAMES, "", questions)
    given = document.get("lines", [])
    rows = given if isinstance(given, list) and len(given) <= _MOST_LINES else []
    if rows is not given and given:
        questions.append(Question("lines", f"The lines of the attachment {name} are no list of at most {_MOST_LINES}."))
    lines = tuple(
        _values(line if isinstance(line, dict) else {}, LINE_NAMES, f"lines.{number}.", questions)
        for number, line in enumerate(rows, start=1)
    )
    made_id, terms = document.get(_MADE_ID), document.get(_TERMS)
    return FormReading(
        values,
        lines,
        tuple(questions),
        made_id=made_id if isinstance(made_id, str) and _ID.fullmatch(made_id) else "",
        terms=terms if isinstance(terms, str) else "",
    )


def _values(
    document: Mapping[str, Any], names: Sequence[str], path: str, questions: list[Question]
) -> dict[str, FoundValue]:
    found = {}
    for name in names:
        given = document.get(name)
        if given is None or given == "":
            continue
        text = format(given, "f") if isinstance(given, Decimal) else str(given)
        try:
            read = read_value(name=name, text=text[:_LONGEST_VALUE], layout=PLAIN)
        except Unclear as error:
            questions.append(Question(f"{path}{name}", f"The attachment is not clear: {error}.", text[:200]))
            continue
        found[name] = FoundValue(read.value, text[:_LONGEST_VALUE], ReadFrom.ATTACHMENT)
    return found


def _fields(reader: pypdf.PdfReader) -> Iterator[tuple[str, str, Place | None]]:
    """Full name, text and place of every filled-in field; of ticked boxes and choices the text."""
    try:
        fields = reader.get_fields() or {}
        places = dict(_places(reader))
    except LIBRARY_FAULTS:
        return
    for name, entry in fields.items():
        value = entry.get("/V") if isinstance(entry, dict) else None
        value = value.get_object() if isinstance(value, IndirectObject) else value
        if isinstance(value, str):
            yield str(name), str(value).removeprefix("/"), places.get(str(name))


def _places(reader: pypdf.PdfReader) -> Iterator[tuple[str, Place]]:
    for number, page in enumerate(reader.pages, start=1):
        height = float(page.mediabox.height)
        for reference in page.get("/Annots") or ():
            widget = reference.get_object()
            if widget.get("/Subtype") != "/Widget" or "/Rect" not in widget:
                continue
            left, bottom, right, top = (float(side) for side in widget["/Rect"])
            place = Place(number, int(left), int(height - top), int(right) + 1, int(height - bottom) + 1)
            yield _full_name(widget), place


def _full_name(widget: Any) -> str:
    parts = []
    for _ in range(20):
        if "/T" in widget:
            parts.append(str(widget["/T"]))
        if "/Parent" not in widget:
            break
        widget = widget["/Parent"].get_object()
    return ".".join(reversed(parts))

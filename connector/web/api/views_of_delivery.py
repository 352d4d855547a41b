"""What the addresses about files, links and mail do: ask one query or use case, show the answer."""

from __future__ import annotations

from flask import Response

from connector.services import current_services
from connector.usecases.open_file import find_document, open_file
from connector.web.files import file_answer


def show_invoice_pdf(number: str) -> Response:
    """The PDF of an issued invoice or credit note, by its number or id, with the XML inside where there is one.

    503 while it is being prepared.
    """
    return _file(number, "pdf")


def show_invoice_xml(number: str) -> Response:
    """The EN 16931 XML of an issued invoice or credit note, by its number or id; 422 says why it cannot have one."""
    return _file(number, "xml")


def _file(number: str, kind: str) -> Response:
    database = current_services().database
    invoice_id = find_document(database=database, number=number)
    return file_answer(open_file(database=database, invoice_id=invoice_id, kind=kind))

"""A file that comes with a form (multipart): read up to the limit of order forms, which is higher than that of others.

Used by the API and the upload page. It must not look into the file.
"""

from __future__ import annotations

from dataclasses import dataclass

from flask import request
from werkzeug.exceptions import RequestEntityTooLarge

from connector.errors import Fault, Refused
from connector.services import current_services

# Names, boundaries and the other fields of the form.
_AROUND = 100_000


class NoFile(Refused):
    """The request brings no file."""

    code = "NO_FILE"
    owner = "caller"
    fix = "Send multipart/form-data with the document in the field file."
    http_status = 400

    def __init__(self) -> None:
        super().__init__("The field file is missing or empty.")
        self.faults = (Fault("BAD_VALUE", str(self), self.fix, self.owner, field="file"),)


@dataclass(frozen=True, slots=True)
class Upload:
    """The file with its name, and the record that it belongs to, as far as the sender says."""

    content: bytes
    file_name: str
    salesforce_id: str


def allow_large() -> None:
    """Let this request be as large as an order form may be; must come before anything of it is read."""
    request.max_content_length = current_services().form_settings.limits.largest_file + _AROUND


def read_upload() -> Upload:
    """The file of this request. Raises NoFile and RequestEntityTooLarge."""
    allow_large()
    file = request.files.get("file")
    if file is None:
        raise NoFile
    limit = current_services().form_settings.limits.largest_file
    content = file.stream.read(limit + 1)
    file.close()
    if len(content) > limit:
        raise RequestEntityTooLarge
    if not content:
        raise NoFile
    return Upload(content, file.filename or "", request.form.get("salesforce_id", "").strip()[:40])

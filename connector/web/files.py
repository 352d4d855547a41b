"""A file of a document as an answer: its bytes, its name, and its hash so that nobody fetches twice what they have."""

from __future__ import annotations

from flask import Response, request

from connector.usecases.open_file import OpenedFile


def file_answer(found: OpenedFile) -> Response:
    """The file, shown in the browser where it can be; 304 when the caller has these very bytes already."""
    answer = Response(found.content, content_type=found.media)
    answer.headers["Content-Disposition"] = f'inline; filename="{found.name}"'
    answer.set_etag(found.sha256)
    return answer.make_conditional(request)  # type: ignore[return-value]

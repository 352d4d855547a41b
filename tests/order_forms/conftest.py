"""One reading process for all tests of documents: starting it is dear, and it is what the product does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from connector.domain.form_readings import CheckedForm
from connector.order_forms.apart import FormQuestion, FormReader
from tests.order_forms.authority import SIGNED_AT, YEAR, root

Check = Callable[..., CheckedForm]


@pytest.fixture(scope="session")
def form_reader() -> Iterator[FormReader]:
    """The process."""
    with FormReader() as reader:
        yield reader


@pytest.fixture
def check(form_reader: FormReader) -> Check:
    """Looks through a document ten days after it was signed; trusts the test authority unless told otherwise."""

    def look(content: bytes, **options: Any) -> CheckedForm:
        return form_reader.check(
            FormQuestion(**({"content": content, "now": SIGNED_AT + YEAR / 36, "roots": (root().der,)} | options))
        )

    return look

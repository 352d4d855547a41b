"""What a document says, as far as it was found: values with the place where each stands, and questions about the rest.

Exists so that a person can see why we believe a figure, and so that nothing is guessed: a value that was found twice
with two meanings, or in a form that could mean two things, is a question and no value. Amounts and quantities are kept
as plain decimal text, dates as ISO text, `ends_on` is the first day without service.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from connector.domain.form_signatures import SignatureFound

# Everything that a document may say once, and on each line.
HEADER_NAMES = (
    "salesforce_id", "customer_name", "seller", "currency", "starts_on", "ends_on", "payment_terms_days", "po_number",
    "total", "signer_name", "signer_email", "customer_ref", "signed_on",
)  # fmt: skip
# The question whether an attachment says what the pages say; a person who looked answers it with AGREES.
ATTACHMENT, AGREES = "attachment", "agrees"
LINE_NAMES = (
    "product_code", "product_name", "quantity", "unit_price", "amount", "starts_on", "ends_on", "description",
    "charge_type", "price_period_months", "billing_period_months",
)  # fmt: skip


class ReadFrom(StrEnum):
    """Where a value comes from, the surest first. A person's answer is as sure as the person."""

    ATTACHMENT = "attachment"
    FIELD = "field"
    TEXT = "text"
    PERSON = "person"


@dataclass(frozen=True, slots=True)
class Place:
    """A box on a page: pages count from 1; points of 1/72 inch from the left and from the top, whole numbers."""

    page: int
    left: int = 0
    top: int = 0
    right: int = 0
    bottom: int = 0


@dataclass(frozen=True, slots=True)
class FoundValue:
    """A value as we understand it, as it is written, and where. `who` names the person when one answered."""

    value: str
    written: str
    read_from: ReadFrom
    place: Place | None = None
    who: str = ""


@dataclass(frozen=True, slots=True)
class Question:
    """Something that a person must tell: which value (`starts_on`, `lines.2.quantity`), and why it is not clear."""

    name: str
    reason: str
    written: str = ""
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class FormReading:
    """Everything that was read. `layout` names the description that fitted the pages, `made_id` the order form of ours
    that the attachment says it is, `terms` the whole order as such an attachment carries it."""

    values: Mapping[str, FoundValue] = field(default_factory=dict)
    lines: tuple[Mapping[str, FoundValue], ...] = ()
    questions: tuple[Question, ...] = ()
    layout: str = ""
    made_id: str = ""
    terms: str = ""

    def text(self, name: str) -> str:
        """The header value of that name, empty when the document does not say."""
        found = self.values.get(name)
        return found.value if found else ""

    def with_answers(self, answers: Mapping[str, FoundValue]) -> FormReading:
        """The reading with a person's answers: each replaces what was read and takes its question away."""
        values = dict(self.values)
        lines = [dict(line) for line in self.lines]
        for name, answer in answers.items():
            if name == ATTACHMENT:
                continue
            head, _, rest = name.partition(".")
            if head != "lines":
                values[name] = answer
                continue
            number, _, column = rest.partition(".")
            while len(lines) < int(number):
                lines.append({})
            lines[int(number) - 1][column] = answer
        left = tuple(one for one in self.questions if one.name not in answers)
        return replace(self, values=values, lines=tuple(lines), questions=left)


@dataclass(frozen=True, slots=True)
class PagePicture:
    """A page as a PNG picture; width and height are those of the page, in points."""

    page: int
    width: int
    height: int
    png: bytes


@dataclass(frozen=True, slots=True)
class CheckedForm:
    """A document that was looked through: how many pages it has, its signatures, what it says, how it looks."""

    pages: int
    signatures: tuple[SignatureFound, ...]
    reading: FormReading
    pictures: tuple[PagePicture, ...] = ()


def is_known_name(name: str) -> bool:
    """Whether a value of that name exists: `po_number`, or `lines.3.amount` with a line from 1 to 999."""
    head, _, rest = name.partition(".")
    if head != "lines":
        return not rest and (name in HEADER_NAMES or name == ATTACHMENT)
    number, _, column = rest.partition(".")
    return number.isascii() and number.isdigit() and 1 <= len(number) <= 3 and number[0] != "0" and column in LINE_NAMES

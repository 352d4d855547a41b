"""The words of a page with their boxes, put together to cells and rows as they stand on paper.

Exists so that reading by labels and tables works on what a person sees, and every value can be shown where it stands.
Boxes are in points from the top left corner of the page as it is shown. Runs in the child process.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_raw

from connector.domain.form_readings import PagePicture, Place
from connector.order_forms.refusals import BrokenPdf, FormTooHard

# More letters on a page than anybody could print.
_MOST_LETTERS = 60_000
# Letters and words belong together when the gap between them is below this share of their height; when the document
# itself has a space there, it may be as wide as this.
_GAP = 0.45
_SPACE = 1.6
_SCALE = 1.6
_LONGEST_SIDE = 2400


@dataclass(frozen=True, slots=True)
class Cell:
    """Words that stand together, with their box on a page."""

    text: str
    page: int
    left: float
    top: float
    right: float
    bottom: float

    @property
    def place(self) -> Place:
        """Where it is, in whole points."""
        return Place(self.page, int(self.left), int(self.top), int(self.right) + 1, int(self.bottom) + 1)


Row = tuple[Cell, ...]


def open_pages(content: bytes) -> Any:
    """The document for `rows_of` and `picture_of`. Raises BrokenPdf."""
    try:
        return pdfium.PdfDocument(content)
    except pdfium.PdfiumError as error:
        raise BrokenPdf("Its pages cannot be read.") from error


def rows_of(document: Any, number: int) -> tuple[Row, ...]:
    """The rows of a page (from 1), from top to bottom, each with its cells from left to right."""
    try:
        page = document[number - 1]
        words = sorted(_words(page, number), key=lambda word: (word.top + word.bottom, word.left))
    except pdfium.PdfiumError as error:
        raise BrokenPdf(f"Page {number} cannot be read.") from error
    rows: list[list[Cell]] = []
    for word in words:
        if rows and _is_same_row(rows[-1], word):
            rows[-1].append(word)
        else:
            rows.append([word])
    return tuple(_cells(sorted(row, key=lambda word: word.left)) for row in rows)


def picture_of(document: Any, number: int) -> PagePicture:
    """The page as a picture; a page of absurd size is made smaller."""
    import io

    try:
        page = document[number - 1]
        width, height = page.get_size()
        scale = min(_SCALE, _LONGEST_SIDE / max(width, height, 1))
        target = io.BytesIO()
        page.render(scale=scale, may_draw_forms=True).to_pil().convert("RGB").save(target, "PNG", optimize=False)
    except (pdfium.PdfiumError, ValueError) as error:
        raise BrokenPdf(f"Page {number} cannot be drawn.") from error
    return PagePicture(number, max(1, round(width)), max(1, round(height)), target.getvalue())


def _words(page: Any, number: int) -> Iterator[Cell]:
    """Runs of letters: words that a space of the document itself parts stay together, whatever else parts them ends."""
    text_page = page.get_textpage()
    count = text_page.count_chars()
    if count > _MOST_LETTERS:
        raise FormTooHard(f"Page {number} has {count:,} letters.")
    height = page.get_height()
    run = _Run(number, height)
    for index in range(count):
        letter = chr(pdfium_raw.FPDFText_GetUnicode(text_page, index) or 32)
        if letter.isspace() or not letter.isprintable():
            # A space that the library made up stands for a gap, and the gap itself is measured later.
            run.is_spaced = run.is_spaced or bool(run.letters)
            run.is_gap = run.is_gap or pdfium_raw.FPDFText_IsGenerated(text_page, index) == 1 or letter in "\r\n"
            continue
        box = _box(text_page, index)
        if box is None:
            continue
        if run.letters and not run.goes_on(box):
            yield run.cell()
            run = _Run(number, height)
        run.add(letter, box)
    if run.letters:
        yield run.cell()


Box = tuple[float, float, float, float]


def _box(text_page: Any, index: int) -> Box | None:
    sides = [ctypes.c_double() for _ in range(4)]
    if not pdfium_raw.FPDFText_GetCharBox(text_page, index, *sides):
        return None
    left, right, bottom, top = (side.value for side in sides)
    return left, bottom, right, top


class _Run:
    """Letters that stand together, while they are collected; boxes in the page's own direction, upwards."""

    def __init__(self, number: int, height: float) -> None:
        self._number, self._height = number, height
        self.letters: list[str] = []
        self.is_spaced = self.is_gap = False
        self._box: Box = (0, 0, 0, 0)

    def goes_on(self, box: Box) -> bool:
        """Whether the next letter belongs to the same run: on the same line, and close."""
        if self.is_gap:
            return False
        _left, bottom, right, top = self._box
        size = max(top - bottom, box[3] - box[1], 1.0)
        is_same_line = box[1] < top and box[3] > bottom - size * 0.3
        return is_same_line and -size < box[0] - right < size * (_SPACE if self.is_spaced else _GAP)

    def add(self, letter: str, box: Box) -> None:
        """One more letter, with the space that stood before it."""
        if not self.letters:
            self._box = box
        elif self.is_spaced:
            self.letters.append(" ")
        self.letters.append(letter)
        self.is_spaced = self.is_gap = False
        one = self._box
        self._box = (min(one[0], box[0]), min(one[1], box[1]), max(one[2], box[2]), max(one[3], box[3]))

    def cell(self) -> Cell:
        """The run with its box from the top."""
        left, bottom, right, top = self._box
        return Cell("".join(self.letters), self._number, left, self._height - top, right, self._height - bottom)


def _is_same_row(row: Sequence[Cell], word: Cell) -> bool:
    """Whether the word's middle is within the height of the row."""
    top, bottom = min(cell.top for cell in row), max(cell.bottom for cell in row)
    middle = (word.top + word.bottom) / 2
    others = (row[-1].top + row[-1].bottom) / 2
    return top - 1 <= middle <= bottom + 1 or word.top <= others <= word.bottom


def _cells(words: Sequence[Cell]) -> Row:
    """Runs that nearly touch are one cell: some tools write every word by itself."""
    size = max((word.bottom - word.top for word in words), default=0.0)
    cells: list[Cell] = []
    for word in words:
        last = cells[-1] if cells else None
        if last is not None and word.left - last.right < size * _GAP:
            cells[-1] = Cell(
                f"{last.text} {word.text}",
                word.page,
                last.left,
                min(last.top, word.top),
                max(last.right, word.right),
                max(last.bottom, word.bottom),
            )
        else:
            cells.append(word)
    return tuple(cells)

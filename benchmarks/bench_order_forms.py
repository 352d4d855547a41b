"""Order forms: how many signed documents are checked and read in a minute, and what the largest costs in memory.

The floor is what nobody can avoid: the signature check alone, in the same process. Run by `make bench`.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from connector.order_forms.apart import FormQuestion, FormReader
from connector.order_forms.limits import FormLimits
from connector.order_forms.signatures import check_signatures
from tests.order_forms.authority import SIGNED_AT, YEAR, root, sign
from tests.order_forms.paper import LAYOUTS, PRODUCERS, STYLES, Line, by_fpdf2, with_changes

_ROUNDS = 3


def main() -> None:
    """Measure and print."""
    documents = [sign(make(style)) for make in PRODUCERS.values() for style in STYLES.values()]
    with FormReader() as reader:
        reader.check(_question(documents[0]))
        started = time.perf_counter()
        for _ in range(_ROUNDS):
            for content in documents:
                reader.check(_question(content))
        whole = time.perf_counter() - started
        count = _ROUNDS * len(documents)
        floor = _floor(documents)
        print(f"order forms checked and read: {count / whole * 60:,.0f} a minute ({len(documents)} kinds)")
        ratio = (whole / count) / (floor / len(documents))
        print(f"of it the signatures alone:   {len(documents) / floor * 60:,.0f} a minute; ratio {ratio:.1f}")
    _largest()


def _largest() -> None:
    lines: tuple[Line, ...] = tuple(
        (f"P-{n:05}", f"Service {n}", STYLES["long"].lines[0][2], STYLES["long"].lines[0][3]) for n in range(450)
    )
    content = sign(by_fpdf2(with_changes(STYLES["long"], lines=lines)))
    with FormReader() as reader:
        started = time.perf_counter()
        found = reader.check(_question(content))
        seconds = time.perf_counter() - started
        status = Path(f"/proc/{reader.process_id}/status").read_text(encoding="ascii")
    peak = int(status.partition("VmHWM:")[2].split()[0]) // 1024
    print(f"largest: {found.pages} pages, {len(found.reading.lines)} lines, {seconds:.1f} s, peak {peak} MB of memory")


def _floor(documents: list[bytes]) -> float:
    started = time.perf_counter()
    for content in documents:
        check_signatures(content=content, roots=(root().der,), now=SIGNED_AT + YEAR / 36, limits=FormLimits())
    return time.perf_counter() - started


def _question(content: bytes) -> FormQuestion:
    return FormQuestion(content, SIGNED_AT + YEAR / 36, (root().der,), LAYOUTS)


if __name__ == "__main__":
    sys.exit(main())

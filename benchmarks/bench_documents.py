"""How long does a PDF take, beside the bare library on the same HTML, and does equal input give equal bytes?

An invoice of five lines on one page, one of thirty on two, one of 2,000; each render has another number, so that
nothing can be remembered. Beside ours: the library alone on the source that we give it, with its own settings; a fresh
process for each; two workers at once. Milliseconds in one process are of processor time, since machines are shared.
`python -m benchmarks.bench_documents [quick]` prints one small table.
"""

from __future__ import annotations

import io
import statistics
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from xhtml2pdf import pisa

from connector.documents.apart import PdfWorker, render_pdf_apart
from connector.documents.cii import cii_xml
from connector.documents.facturx import with_xml
from connector.documents.pdf import pdf_source, render_pdf
from connector.domain.documents import DocumentView
from tests.documents.making import make_long_document

_LONG = 2000


def main(*, times: int = 15) -> None:
    """Print the table."""
    print(f"{'PDFs':34}{'1 page':>12}{'2 pages':>12}")
    one, two = make_long_document(5), make_long_document(30)
    for name, render in (
        ("ours, ms", _ours),
        ("the bare library, same HTML, ms", _bare),
        ("with the XML embedded, ms", _with_xml),
    ):
        print(f"{name:34}" + "".join(f"{_median_ms(render, view, times):12.0f}" for view in (one, two)))
    print(
        f"{'a process of its own each, ms':34}"
        + "".join(f"{_median_ms(_apart, view, 5, time.perf_counter):12.0f}" for view in (one, two))
    )
    print(f"{'per second, two workers':34}" + "".join(f"{_per_second(view, times):12.1f}" for view in (one, two)))
    print(f"{'equal bytes for equal input':34}" + "".join(f"{_is_equal(view)!s:>12}" for view in (one, two)))
    print(f"{'size, kB':34}" + "".join(f"{len(_ours(view)) / 1024:12.0f}" for view in (one, two)))
    began = time.perf_counter()
    size = len(render_pdf(view=make_long_document(_LONG), language="en"))
    print(f"{_LONG} lines: {time.perf_counter() - began:.1f} s, {size / 1024:.0f} kB")


def _ours(view: DocumentView) -> bytes:
    return render_pdf(view=view, language="en")


def _with_xml(view: DocumentView) -> bytes:
    return with_xml(pdf=_ours(view), xml=cii_xml(view=view), made_on=view.issued_on)


def _apart(view: DocumentView) -> bytes:
    return render_pdf_apart(view=view, language="en", seconds=60)


def _bare(view: DocumentView) -> bytes:
    source, folder = pdf_source(view=view, language="en")
    target = io.BytesIO()
    pisa.CreatePDF(source, dest=target, path=str(folder / "document.html"))
    return target.getvalue()


def _median_ms(
    render: Callable[[DocumentView], bytes],
    view: DocumentView,
    times: int,
    clock: Callable[[], float] = time.process_time,
) -> float:
    render(view)
    taken = []
    for number in range(times):
        other = replace(view, number=f"DE-2026-{number:06d}")
        began = clock()
        render(other)
        taken.append((clock() - began) * 1000)
    return statistics.median(taken)


def _per_second(view: DocumentView, times: int) -> float:
    def run(worker: PdfWorker) -> None:
        for number in range(times):
            worker.render(view=replace(view, number=f"DE-2026-{number:06d}"), language="en", seconds=60)

    with PdfWorker() as first, PdfWorker() as second, ThreadPoolExecutor(2) as threads:
        for worker in (first, second):
            worker.render(view=view, language="en", seconds=60)
        began = time.perf_counter()
        list(threads.map(run, (first, second)))
        return 2 * times / (time.perf_counter() - began)


def _is_equal(view: DocumentView) -> bool:
    return _ours(view) == _ours(view) == _apart(view)


if __name__ == "__main__":
    main(times=5 if "quick" in sys.argv[1:] else 15)

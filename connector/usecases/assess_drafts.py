"""Judge waiting drafts by the rules of review and keep what they tell, so that the queue can be sorted by it.

Any process may do it, twice or half: it only writes down what is so. It decides nothing and moves no document.
"""

from __future__ import annotations

from collections.abc import Sequence

from connector.domain.review_findings import risk_of
from connector.store.assessments import Assessment, due_for_assessment, save_assessments
from connector.usecases.review_desk import OpenedDocument, ReviewDesk, look

# Documents that are judged and written together: a tenth of a second, so that no decision waits for it.
_TOGETHER = 50


def assess_due(*, desk: ReviewDesk, limit: int = 5_000) -> int:
    """Judge every draft that is due, at most `limit`; answers how many."""
    with desk.database.reading() as connection:
        due = due_for_assessment(connection=connection, now=desk.clock.now(), limit=limit)
    for start in range(0, len(due), _TOGETHER):
        assess(desk=desk, invoice_ids=due[start : start + _TOGETHER])
    return len(due)


def assess(*, desk: ReviewDesk, invoice_ids: Sequence[int]) -> None:
    """Judge these documents now, such as one that was just changed."""
    # The time before looking: a change while we look makes it due again.
    now = desk.clock.now()
    opened = look(desk=desk, invoice_ids=invoice_ids)
    with desk.database.unit_of_work() as work:
        save_assessments(work=work, found=[_assessment(one) for one in opened.values()], now=now)
        work.commit()


def _assessment(opened: OpenedDocument) -> Assessment:
    risk = risk_of(findings=opened.findings, is_quiet=opened.is_quiet)
    return Assessment(opened.document.id, opened.content.hash, risk, opened.findings, opened.document.gross)

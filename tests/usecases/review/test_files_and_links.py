"""Files are made outside of every transaction until they are there; links open what they are for and nothing else."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from connector.adapters.clock import FixedClock
from connector.domain.review import Actor
from connector.errors import NotFound, Refused, Unavailable
from connector.store import artifacts
from connector.store.artifacts import Artifact, ArtifactKind
from connector.store.hosted_links import list_links
from connector.store.issued import FrozenDocument
from connector.store.tables import metadata
from connector.usecases.render_artifacts import Rendered, render_artifacts
from connector.usecases.share_invoice import DEFAULT_LIFE, find_shared, revoke_link, share_invoice
from tests.reviewing import Finance, sold

ANNA = Actor("anna", "approver")


class Printer:
    """Renders a document as the kind and its number; fails as often as told."""

    def __init__(self, *, failures: int = 0, error: Exception | None = None) -> None:
        self.failures = failures
        self.error = error or ValueError("a secret of the library")
        self.rendered: list[tuple[str, str]] = []

    def __call__(self, kind: ArtifactKind, frozen: FrozenDocument) -> bytes:
        """The bytes of the file."""
        if self.failures:
            self.failures -= 1
            raise self.error
        self.rendered.append((kind.value, frozen.number))
        return f"{kind} of {frozen.number}".encode()


def run(finance: Finance, printer: Any, limit: int = 20) -> Rendered:
    return render_artifacts(
        database=finance.books.database, clock=finance.desk.clock, render=printer, limit=limit
    )  # fmt: skip


def files(finance: Finance, invoice_id: int) -> dict[ArtifactKind, Artifact]:
    with finance.books.database.reading() as connection:
        return artifacts.load_artifacts(connection=connection, invoice_id=invoice_id)


def test_every_file_is_made_once_and_kept_with_its_hash(finance: Finance) -> None:
    invoice_id = finance.issued(sold())
    printer = Printer()

    assert run(finance, printer) == Rendered(made=3)
    assert run(finance, printer) == Rendered()

    found = files(finance, invoice_id)
    pdf = b"pdf of DE-2026-000001"
    assert (found[ArtifactKind.PDF].content, found[ArtifactKind.PDF].sha256) == (pdf, hashlib.sha256(pdf).hexdigest())
    assert len(printer.rendered) == 3
    made = {entry.data["kind"]: entry.data["sha256"] for entry in finance.log(invoice_id) if entry.event == "file"}
    assert made == {kind.value: file.sha256 for kind, file in found.items()}
    assert finance.faults() == []


def test_a_batch_has_its_limit(finance: Finance) -> None:
    finance.issued(sold())

    assert [run(finance, Printer(), limit=2).made for _ in range(3)] == [2, 1, 0]


def test_a_file_that_failed_is_made_again_by_itself_later(finance: Finance, clock: FixedClock) -> None:
    invoice_id = finance.issued(sold())
    printer = Printer(failures=1)

    assert run(finance, printer) == Rendered(made=2, failed=1)
    failed = files(finance, invoice_id)[ArtifactKind.PDF]
    assert (failed.state, failed.code, failed.content) == ("failed", "RENDER_FAILED", b"")
    assert "secret" not in failed.message
    assert failed.not_before == clock.now() + timedelta(seconds=5)

    assert run(finance, printer) == Rendered()
    clock.advance(seconds=5)
    assert run(finance, printer) == Rendered(made=1)
    made = files(finance, invoice_id)[ArtifactKind.PDF]
    assert (made.state, made.attempts, made.message) == ("made", 2, "")


def test_it_is_never_given_up(finance: Finance, clock: FixedClock) -> None:
    invoice_id = finance.issued(sold())
    with finance.books.database.unit_of_work() as work:
        work.execute(metadata.tables["artifacts"].update().values(attempts=500))
        work.commit()

    run(finance, Printer(failures=3, error=Unavailable("The fonts are away.")))

    failed = files(finance, invoice_id)[ArtifactKind.PDF]
    assert (failed.code, failed.not_before) == ("UNAVAILABLE", clock.now() + timedelta(hours=4))
    clock.advance(timedelta(hours=4))
    assert run(finance, Printer()) == Rendered(made=3)


def test_a_failed_file_can_be_asked_for_at_once(finance: Finance) -> None:
    invoice_id = finance.issued(sold())
    run(finance, Printer(failures=3))

    with finance.books.database.unit_of_work() as work:
        assert artifacts.make_again_now(work=work, invoice_id=invoice_id) == 3
        work.commit()

    assert run(finance, Printer()) == Rendered(made=3)


def test_a_file_that_a_document_cannot_have_is_told_and_not_tried_for_ever(finance: Finance, clock: FixedClock) -> None:
    invoice_id = finance.issued(sold())

    def refuses_xml(kind: ArtifactKind, frozen: FrozenDocument) -> bytes:
        if kind is ArtifactKind.XML:
            raise Refused("The standard has no amounts of three places.", code="NO_XML", fix="Send the PDF.")
        return b"made"

    assert run(finance, refuses_xml) == Rendered(made=2, failed=1)
    clock.advance(timedelta(days=1))
    assert run(finance, refuses_xml) == Rendered()

    refused = files(finance, invoice_id)[ArtifactKind.XML]
    assert (refused.state, refused.code) == ("refused", "NO_XML")
    assert refused.message == "The standard has no amounts of three places. Send the PDF."


def test_an_empty_file_is_no_file(finance: Finance) -> None:
    invoice_id = finance.issued(sold())

    assert run(finance, lambda _kind, _frozen: b"") == Rendered(failed=3)
    assert {file.state for file in files(finance, invoice_id).values()} == {"failed"}


def test_what_a_renderer_left_when_it_died_is_made_by_the_next(finance: Finance, clock: FixedClock) -> None:
    invoice_id = finance.issued(sold())

    def die(_kind: ArtifactKind, _frozen: FrozenDocument) -> bytes:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(finance, die)
    assert run(finance, Printer()).made == 2

    clock.advance(timedelta(minutes=10))
    assert run(finance, Printer()) == Rendered(made=1)
    assert {file.state for file in files(finance, invoice_id).values()} == {"made"}


def test_a_slow_renderer_that_was_overtaken_changes_nothing(finance: Finance, clock: FixedClock) -> None:
    invoice_id = finance.issued(sold())

    def overtaken(kind: ArtifactKind, frozen: FrozenDocument) -> bytes:
        clock.advance(timedelta(minutes=11))
        run(finance, Printer())
        return b"late"

    run(finance, overtaken, limit=1)

    assert files(finance, invoice_id)[ArtifactKind.PDF].content == b"pdf of DE-2026-000001"
    assert [entry.event for entry in finance.log(invoice_id)].count("file") == 3


def test_nothing_is_open_while_a_file_is_rendered(finance: Finance) -> None:
    """A render that wrote to the database itself would wait for ever on SQLite if a transaction were open."""
    invoice_id = finance.issued(sold())

    def writes(_kind: ArtifactKind, _frozen: FrozenDocument) -> bytes:
        with finance.books.database.unit_of_work() as work:
            work.execute(sa.text("UPDATE invoices SET problem = ''"))
            work.commit()
        return b"made"

    assert run(finance, writes).made == 3
    assert files(finance, invoice_id)


# Links


def share(finance: Finance, invoice_id: int) -> str:
    return share_invoice(
        database=finance.books.database,
        clock=finance.desk.clock,
        invoice_id=invoice_id,
        label="billing@acme.example",
        actor=ANNA,
    )


def opens(finance: Finance, token: str) -> int | None:
    found = find_shared(database=finance.books.database, clock=finance.desk.clock, token=token)
    return None if found is None else found.invoice_id


def test_a_link_opens_its_document_until_it_expires(finance: Finance, clock: FixedClock) -> None:
    invoice_id = finance.issued(sold())
    token = share(finance, invoice_id)

    assert opens(finance, token) == invoice_id
    clock.advance(DEFAULT_LIFE - timedelta(seconds=1))
    assert opens(finance, token) == invoice_id
    clock.advance(seconds=1)
    assert opens(finance, token) is None


def test_a_revoked_link_opens_nothing_and_the_others_go_on(finance: Finance) -> None:
    invoice_id = finance.issued(sold())
    first, second = share(finance, invoice_id), share(finance, invoice_id)
    with finance.books.database.reading() as connection:
        link = list_links(connection=connection, invoice_id=invoice_id)[0]

    revoke_link(database=finance.books.database, clock=finance.desk.clock, link_id=link.id, actor=ANNA)

    assert (opens(finance, first), opens(finance, second)) == (None, invoice_id)
    with pytest.raises(NotFound):
        revoke_link(database=finance.books.database, clock=finance.desk.clock, link_id=link.id, actor=ANNA)
    assert [event for _who, event in finance.events(invoice_id)][-3:] == ["share", "share", "revoke_link"]


@pytest.mark.parametrize("token", ["", "x", "a" * 43, "a" * 44, "../../etc/passwd", "é" * 43, "a" * 100_000])
def test_a_token_that_nobody_made_opens_nothing(finance: Finance, token: str) -> None:
    assert opens(finance, token) is None


def test_the_token_is_nowhere_in_the_database(finance: Finance) -> None:
    token = share(finance, finance.issued(sold()))

    with finance.books.database.reading() as connection:
        everything = [repr(row) for table in metadata.sorted_tables for row in connection.execute(sa.select(table))]

    assert not [row for row in everything if token in row]
    assert len(token) == 43
    assert any(hashlib.sha256(token.encode()).hexdigest() in row for row in everything)


def test_a_draft_has_no_link(finance: Finance) -> None:
    with pytest.raises(NotFound):
        share(finance, finance.draft(sold()))

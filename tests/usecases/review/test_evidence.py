"""The story of a deal as a folder that verifies itself: any changed byte is found."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
import sqlalchemy as sa

from connector.errors import NotFound
from connector.store.tables import inbox, inbox_bodies
from connector.usecases.credit_invoice import credit_invoice
from connector.usecases.evidence_verifier import MANIFEST, verify
from connector.usecases.export_evidence import Exported, FolderTaken, export_evidence
from connector.usecases.render_artifacts import render_artifacts
from connector.usecases.review_invoice import comment_invoice
from tests.domain.making import make_item
from tests.reviewing import ACME, Finance, sold

BODY = b"<soap><SessionId>00Dsecret!session</SessionId><Id>NEW</Id></soap>"


def a_deal(finance: Finance) -> None:
    """Signed, billed, approved, credited, with another customer's decisions in between."""
    first = finance.draft(sold(make_item("Platform", price="1000"), make_item("Support", price="250")))
    other = finance.draft(sold(record="OTHER", customer=replace(ACME, ref="002", name="Rival Corp")))
    comment_invoice(desk=finance.desk, invoice_id=first, text="Checked.", actor="finn", role="finance")
    finance.approve(first)
    finance.approve(other)
    credit_invoice(
        desk=finance.desk,
        invoice_id=first,
        reason="Outage.",
        amounts={2: Decimal("50.00")},
        actor="anna",
        role="approver",
    )
    render_artifacts(
        database=finance.books.database,
        clock=finance.desk.clock,
        render=lambda kind, frozen: f"{kind} of {frozen.number}".encode(),
    )
    with finance.books.database.unit_of_work() as work:
        now = finance.desk.clock.now()
        body = inbox_bodies.insert().returning(inbox_bodies.c.id)
        body_id = work.execute(body, {"content_type": "text/xml", "body": BODY, "received_at": now}).scalar_one()
        message = {"source": "outbound", "message_id": "m-1", "body_id": body_id, "received_at": now}
        where = {"org_id": "00D000000000000AAA", "object": "Quote", "record_id": "NEW"}
        work.execute(inbox.insert(), message | where)
        work.commit()


def export(finance: Finance, folder: Path) -> Exported:
    return export_evidence(
        database=finance.books.database, clock=finance.desk.clock, number="O-000001", folder=folder, version="1"
    )


@pytest.fixture
def folder(finance: Finance, tmp_path: Path) -> Path:
    a_deal(finance)
    export(finance, tmp_path / "evidence")
    return tmp_path / "evidence"


def test_the_folder_tells_the_whole_story(folder: Path) -> None:
    names = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}

    assert {
        *("README.md", "verify.py", MANIFEST, "deal.json", "messages.json", "invoices.json"),
        *("order/terms.json", "order/order.json", "order/steps.json", "order/history.json", "order/record.json"),
        *("contract/contract.json", "contract/contract_versions.json", "contract/contract_orders.json"),
        *("invoices/DE-2026-000001/issued.json", "invoices/DE-2026-000001/document.pdf"),
        *("invoices/DE-2026-000001/decisions.json", "invoices/DE-CN-2026-000001/issued.json"),
        *("audit/invoices-DE.jsonl", "audit/chains.json"),
    } <= names
    decisions = json.loads((folder / "invoices/DE-2026-000001/decisions.json").read_text())
    assert [(one["actor"], one["event"]) for one in decisions][:3] == [
        ("finn", "comment"),
        ("anna", "approve"),
        ("anna", "issue"),
    ]


def test_it_verifies_itself_with_python_alone(folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(folder / "verify.py")], capture_output=True, text=True, cwd="/", check=False
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert hashlib.sha256((folder / MANIFEST).read_bytes()).hexdigest() in done.stdout
    assert verify(folder) == []


def test_any_changed_byte_of_any_file_is_found(folder: Path) -> None:
    for path in [path for path in folder.rglob("*") if path.is_file() and path.name != MANIFEST]:
        content = path.read_bytes()
        for place in {0, len(content) // 2, len(content) - 1}:
            path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
            assert f"{path.relative_to(folder).as_posix()} was changed." in verify(folder)
        path.write_bytes(content)
    assert verify(folder) == []


def _sealed(folder: Path, change: Callable[[Path], None]) -> list[str]:
    """What is found after somebody changed files and wrote the manifest anew."""
    change(folder)
    lines = [
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(folder).as_posix()}\n"
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != MANIFEST
    ]
    (folder / MANIFEST).write_text("".join(lines))
    return verify(folder)


def _edit(name: str, old: str, new: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        text = (folder / name).read_text(encoding="utf-8")
        assert old in text
        (folder / name).write_text(text.replace(old, new, 1), encoding="utf-8")

    return change


def _drop_line(number: int) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        path = folder / "audit/invoices-DE.jsonl"
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        path.write_text("".join(lines[:number] + lines[number + 1 :]), encoding="utf-8")

    return change


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (_edit("invoices/DE-2026-000001/issued.json", "Acme", "Bcme"), "issued.json is not what was issued"),
        (_edit("invoices/DE-2026-000001/document.pdf", "pdf", "PDF"), "document.pdf is not the file that was made"),
        (_edit("audit/invoices-DE.jsonl", "finn", "anna"), "row 1 was changed"),
        (_drop_line(1), "does not follow the one before it"),
        (lambda folder: (folder / "invoices/DE-2026-000001/issued.json").unlink(), "disagree whether it is issued"),
        (lambda folder: (folder / "invoices/DE-2026-000001/document.xml").unlink(), "document.xml is not the file"),
    ],
    ids=["content", "file", "decision", "dropped row", "no content", "no file"],
)
def test_the_audit_log_finds_what_a_new_manifest_hides(folder: Path, change: Callable[[Path], None], told: str) -> None:
    assert [sentence for sentence in _sealed(folder, change) if told in sentence]


def test_missing_and_added_files_are_found(folder: Path) -> None:
    (folder / "order/steps.json").unlink()
    (folder / "order/more.json").write_text("{}")

    assert verify(folder) == ["order/steps.json is missing.", "order/more.json is not in the manifest."]
    (folder / MANIFEST).unlink()
    assert verify(folder) == [f"{MANIFEST} is missing."]


def test_nothing_of_another_customer_and_no_session_is_in_it(folder: Path) -> None:
    everything = b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())

    assert b"Rival" not in everything
    assert b"secret!session" not in everything
    (message,) = json.loads((folder / "messages.json").read_text())
    assert message["is_session_masked"] is True
    assert message["sha256_as_received"] == hashlib.sha256(BODY).hexdigest()
    assert (folder / message["file"]).read_bytes() == BODY.replace(b"00Dsecret!session", b"masked")


def test_an_export_is_never_written_over_another(finance: Finance, folder: Path) -> None:
    before = (folder / MANIFEST).read_bytes()

    with pytest.raises(FolderTaken):
        export(finance, folder)

    assert (folder / MANIFEST).read_bytes() == before


def test_an_export_that_was_broken_off_does_not_verify(folder: Path) -> None:
    (folder / MANIFEST).unlink()

    assert verify(folder)
    shutil.rmtree(folder)


def test_an_order_that_is_not_there_is_not_found(finance: Finance, tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        export(finance, tmp_path / "nothing")

    assert not (tmp_path / "nothing").exists()


def test_an_order_without_documents_has_evidence_too(finance: Finance, tmp_path: Path) -> None:
    finance.books.sign(sold())

    exported = export(finance, tmp_path / "young")

    assert (exported.documents, verify(tmp_path / "young")) == (0, [])
    with finance.books.database.reading() as connection:
        assert connection.execute(sa.select(inbox.c.id)).all() == []

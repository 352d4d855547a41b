"""How long does a bank file of 50,000 entries take against 200,000 open invoices, and the control report over all?

The file is camt.053. Nine in ten entries quote their invoice (one in ten of these short or with too much), the others
have no reference or a wrong digit. Beside reading the file stands the floor: parsing its XML alone; beside the report,
counting the same invoices by state. `python -m benchmarks.bench_cash` prints the tables; each part runs in a process of
its own, so that its peak of memory is its own.
"""

from __future__ import annotations

import multiprocessing
import resource
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import sqlalchemy as sa
from lxml import etree

from benchmarks.parts import show
from connector.adapters.clock import FixedClock
from connector.domain.bank_statements import OurAccount
from connector.domain.legal_entities import plain_entity
from connector.domain.payment_reference import creditor_reference, reference_key
from connector.domain.tax import DEFAULT_TAX_RULES, ENTITY_COUNTRIES
from connector.domain.taxed_documents import TaxSettings
from connector.statements.reading import StatementRules
from connector.store.control_figures import count_figures
from connector.store.inserting import insert_many
from connector.store.tables import metadata
from connector.store.tables_billing import invoices
from connector.store.tables_cash import payment_references
from connector.store.tables_review import issued_documents, number_series
from connector.store.unit_of_work import Database
from connector.usecases.bill_contracts import Biller
from connector.usecases.cash_desk import CashDesk
from connector.usecases.import_statement import import_statement
from connector.usecases.match_payments import match_payments
from connector.usecases.report_control import report_control
from tests.cashing import invoice_row, issued_row
from tests.postgresql import PostgresqlServer

ENTRIES, INVOICES = 50_000, 200_000
_NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
_IBAN = "DE89370400440532013000"
_RULES = StatementRules((OurAccount("DE", iban=_IBAN, currency="EUR"),))


def main(new_database: Callable[[], str], *, entries: int = ENTRIES, invoiced: int = INVOICES) -> None:
    """Both databases; prints the tables."""
    rows, reports = [], []
    with TemporaryDirectory() as folder:
        for kind, url in (("SQLite", f"sqlite:///{Path(folder) / 'bench.db'}"), ("PostgreSQL", new_database())):
            database = Database(url)
            metadata.create_all(database.writer)
            _fill(database, invoiced)
            database.dispose()
            one = _apart(_import_and_match, url, entries)
            rows.append(
                (
                    kind, f"{entries:,}", f"{invoiced:,}", f"{one['parse']:.1f}", f"{one['import']:.1f}",
                    f"{one['match']:.1f}", f"{entries / (one['import'] + one['match']):,.0f}",
                    f"{one['peak']:.0f}", f"{one['matched'] / entries:.1%}",
                )
            )  # fmt: skip
            print(f"{kind}: {one}", file=sys.stderr, flush=True)
            two = _apart(_report, url, 0)
            reports.append((kind, f"{invoiced:,}", f"{two['report']:.1f}", f"{two['floor']:.2f}", f"{two['peak']:.0f}"))
    heads = ("database", "entries", "open invoices", "XML alone, s", "import, s", "match, s", "entries/s", "peak MB",
             "matched")  # fmt: skip
    show("A bank file", heads, rows)
    show("Control report", ("database", "invoices", "report, s", "counting states, s", "peak MB"), reports)


def _apart(part: Callable[[str, int, Any], None], url: str, count: int) -> dict[str, float]:
    """Run the part in a fresh process; its figures with its peak of memory in MB."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=part, args=(url, count, theirs))
    process.start()
    found: dict[str, float] = ours.recv()
    process.join()
    return found


def _import_and_match(url: str, count: int, pipe: Any) -> None:
    content = _camt(count)
    database = Database(url)
    desk = CashDesk(database, FixedClock(_NOW), {"DE": plain_entity(code="DE", country="DE")})
    begun = time.perf_counter()
    etree.fromstring(content)
    parsed = time.perf_counter()
    import_statement(desk=desk, rules=_RULES, content=content, name="bench.xml", actor="bench")
    imported = time.perf_counter()
    counts = match_payments(desk=desk)
    done = time.perf_counter()
    pipe.send({"parse": parsed - begun, "import": imported - parsed, "match": done - imported,
               "matched": counts.get("matched", 0), "peak": _peak()})  # fmt: skip
    database.dispose()


def _report(url: str, _count: int, pipe: Any) -> None:
    database = Database(url)
    biller = Biller(database, FixedClock(_NOW), TaxSettings(DEFAULT_TAX_RULES, dict(ENTITY_COUNTRIES)), "bench")
    with database.reading() as connection:
        connection.execute(sa.select(invoices.c.state, sa.func.count()).group_by(invoices.c.state)).all()
        begun = time.perf_counter()
        connection.execute(sa.select(invoices.c.state, sa.func.count()).group_by(invoices.c.state)).all()
        floor = time.perf_counter() - begun
        count_figures(connection=connection, as_of=date(2026, 1, 1))
    begun = time.perf_counter()
    report_control(database=database, biller=biller, as_of=date(2026, 3, 31))
    pipe.send({"report": time.perf_counter() - begun, "floor": floor, "peak": _peak()})
    database.dispose()


def _fill(database: Database, count: int) -> None:
    clock = FixedClock(_NOW)
    with database.unit_of_work() as work:
        series = {"legal_entity": "DE", "kind": "invoice", "period": "2026", "last": count}
        work.execute(number_series.insert(), {**series, "id": 1, "last_issued_on": date(2026, 1, 1)})
        for start in range(0, count, 20_000):
            numbers = range(start + 1, min(start + 20_000, count) + 1)
            insert_many(work, invoices, [_invoice(number, clock) for number in numbers])
            issued = [issued_row(number, _number(number), 1, number, clock) for number in numbers]
            insert_many(work, issued_documents, issued)
            insert_many(work, payment_references, [_reference(number) for number in numbers])
        work.commit()
    if not database.is_sqlite:
        with database.writer.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(sa.text("ANALYZE"))


def _number(number: int) -> str:
    return f"DE-2026-{number:06}"


def _gross(number: int) -> Decimal:
    return Decimal(100 + number % 9000).quantize(Decimal("0.01"))


def _invoice(number: int, clock: FixedClock) -> dict[str, Any]:
    row = invoice_row(_number(number), str(_gross(number)), "EUR", f"C{number % 5000}", "2026-02-01", "invoice",
                      "issued", "DE", clock)  # fmt: skip
    return {"id": number, **row}


def _reference(number: int) -> dict[str, Any]:
    reference = creditor_reference(_number(number))
    return {"invoice_id": number, "reference": reference, "key": reference_key(reference)}


def _camt(count: int) -> bytes:
    """One statement of so many credits."""
    entries, total = [], Decimal(0)
    for number, amount, text in _transfers(count):
        total += amount
        entries.append(
            f'<Ntry><Amt Ccy="EUR">{amount}</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>BOOK</Sts><BookgDt><Dt>2026-03-02</Dt>'
            f"</BookgDt><ValDt><Dt>2026-03-02</Dt></ValDt><AcctSvcrRef>B{number}</AcctSvcrRef><NtryDtls><TxDtls><Refs>"
            f"<EndToEndId>NOTPROVIDED</EndToEndId></Refs><RltdPties><Dbtr><Nm>Customer {number % 5000}</Nm></Dbtr>"
            f"</RltdPties><RmtInf><Ustrd>{text}</Ustrd></RmtInf></TxDtls></NtryDtls></Ntry>"
        )
    balance = '<Bal><Tp><CdOrPrtry><Cd>{}</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">{}</Amt><CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>2026-03-02</Dt></Dt></Bal>'  # noqa: E501
    head = f"<Id>1</Id><Acct><Id><IBAN>{_IBAN}</IBAN></Id><Ccy>EUR</Ccy></Acct>"
    space = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.02"
    body = head + balance.format("OPBD", "0.00") + balance.format("CLBD", total) + "".join(entries)
    return f'<Document xmlns="{space}"><BkToCstmrStmt><Stmt>{body}</Stmt></BkToCstmrStmt></Document>'.encode()


def _transfers(count: int) -> Iterator[tuple[int, Decimal, str]]:
    for number in range(1, count + 1):
        reference, amount = creditor_reference(_number(number)), _gross(number)
        spaced = " ".join(reference[at : at + 4] for at in range(0, len(reference), 4))
        if number % 20 == 0:
            yield number, amount, "Thank you for the good service"
        elif number % 20 == 1:
            yield number, amount, reference[:-1] + str((int(reference[-1]) + 1) % 10)
        elif number % 10 == 2:
            yield number, amount - 1, f"Invoice {spaced}"
        else:
            yield number, amount, f"Invoice {spaced} March"


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    server = PostgresqlServer(is_durable=True)
    try:
        is_quick = "quick" in sys.argv[1:]
        main(server.new_database, entries=2_000 if is_quick else ENTRIES, invoiced=5_000 if is_quick else INVOICES)
    finally:
        server.stop()

"""Read usage from the platform for every contract period, keep what it said, price what is complete.

Exists so that usage becomes invoice lines only when it is whole: each figure is a snapshot with its time and source; an
incomplete one waits and says why. In pages, so that ten thousand contracts need no more memory than two hundred.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from connector.domain.charges import line_charges
from connector.domain.contract_terms import Charge, ChargeKind
from connector.domain.contracts import build_contract
from connector.domain.terms import ChargeType
from connector.domain.usage import UsageQuestion, UsageReport
from connector.domain.usage_complete import incomplete_because
from connector.errors import ConnectorError, NotFound, Refused
from connector.logs import log
from connector.ports import Clock, UsageBook
from connector.store import contracts, differences, usage_sync
from connector.store.differences import FoundDifference
from connector.store.unit_of_work import Database
from connector.store.usage_sync import MeteredContract, UsageFigure

# Contracts of one page; their questions go to the platform together.
_PAGE = 200
_ROOM = "usage"


@dataclass(slots=True)
class UsageSynced:
    """What a run did: contracts looked at, questions asked in how many calls, figures that were news or priced."""

    contracts: int = 0
    questions: int = 0
    calls: int = 0
    snapshots: int = 0
    priced: int = 0
    incomplete: int = 0
    failed: int = 0


@dataclass(frozen=True, slots=True)
class UsageSync:
    """What reading usage needs. `silence` is how long nothing at a period's end is no stop of reporting."""

    database: Database
    clock: Clock
    usage: UsageBook
    source: str
    silence: timedelta

    def sync(self, *, number: str = "") -> UsageSynced:
        """Read every usage period that has begun and is not settled; of one contract when its number is given.

        A contract that cannot be read is counted as failed and holds up no other. Raises NotFound for a number that
        has no metered line.
        """
        done = UsageSynced()
        after = 0
        while True:
            with self.database.reading() as connection:
                page, after = usage_sync.metered_page(
                    connection=connection, after=after, limit=1 if number else _PAGE, number=number
                )
            self._sync_page(page, done)
            if not after or number:
                break
        if number and not done.contracts:
            raise NotFound(f"There is no contract {number} with usage to read.")
        return done

    def accept(self, *, number: str, charge_key: str, actor: str, reason: str) -> str:
        """Take an incomplete figure as it is, so that it is billed; answers its units in words.

        Raises NotFound, and Refused without a reason.
        """
        if not reason.strip():
            raise Refused("Taking an incomplete figure needs a reason that an auditor can read.", owner="finance")
        with self.database.unit_of_work() as work:
            contract_id = contracts.find_by_number(work=work, number=number)
            units = None if contract_id is None else usage_sync.accept(
                work=work, contract_id=contract_id, charge_key=charge_key, actor=actor, reason=reason.strip(),
                now=self.clock.now(),
            )  # fmt: skip
            if units is None:
                raise NotFound(f"{number} has no figure of usage for {charge_key} that could be taken.")
            work.commit()
        return f"{units:f}"

    def _sync_page(self, page: Sequence[MeteredContract], done: UsageSynced) -> None:
        today = self.clock.now().date()
        asked: list[tuple[MeteredContract, Charge, UsageQuestion]] = []
        for contract in page:
            done.contracts += 1
            try:
                asked += [(contract, charge, _question(contract, charge)) for charge in _begun(contract, today)]
            except ConnectorError as error:
                done.failed += 1
                log.warning("usage_not_read", contract=contract.number, code=error.code)
        for start in range(0, len(asked), _PAGE):
            self._ask(asked[start : start + _PAGE], done)

    def _ask(self, asked: Sequence[tuple[MeteredContract, Charge, UsageQuestion]], done: UsageSynced) -> None:
        try:
            done.calls += 1
            reports = self.usage.fetch_usage(questions=[question for _contract, _charge, question in asked])
        except Refused as error:
            if len(asked) == 1:
                done.failed += 1
                log.warning("usage_not_read", contract=asked[0][0].number, code=error.code)
                return
            # One customer or feature that the platform does not know holds up no other.
            for one in asked:
                self._ask([one], done)
            return
        done.questions += len(asked)
        self._keep(
            [(contract, charge, report) for (contract, charge, _q), report in zip(asked, reports, strict=True)], done
        )

    def _keep(self, answered: Sequence[tuple[MeteredContract, Charge, UsageReport]], done: UsageSynced) -> None:
        now = self.clock.now()
        with self.database.unit_of_work() as work:
            for contract, charge, report in answered:
                figure = self._figure(contract, charge, report)
                kept = usage_sync.keep_figure(work=work, figure=figure, source=self.source, now=now)
                done.snapshots += kept.is_news
                done.priced += kept.is_priced
                done.incomplete += bool(figure.reason) and charge.bill_on <= now.date()
                found = [] if kept.billed is None else [_difference(contract, figure, f"{kept.billed:f}")]
                if found or charge.key in contract.settled:
                    differences.save_found(
                        work=work, room=_ROOM, subject="contract", subject_number=contract.number, found=found,
                        within=charge.key, now=now,
                    )  # fmt: skip
            work.commit()

    def _figure(self, contract: MeteredContract, charge: Charge, report: UsageReport) -> UsageFigure:
        return UsageFigure(
            contract_id=contract.id,
            charge_key=charge.key,
            feature_ref=report.question.feature_ref,
            starts_on=charge.period.start,
            ends_on=charge.bill_on,
            units=report.units,
            covered_until=report.covered_until,
            last_event_at=report.last_event_at,
            reason=incomplete_because(report=report, now=self.clock.now(), silence=self.silence),
        )


def _begun(contract: MeteredContract, today: date) -> Iterator[Charge]:
    """The usage charges whose period has begun; billed ones are read again for a while, to tell late usage."""
    built = build_contract(orders=contract.orders.terms, undone=contract.orders.undone)
    for line in built.lines:
        if line.item.charge_type is not ChargeType.USAGE:
            continue
        for charge in line_charges(line=line):
            is_old = charge.key in contract.settled and charge.period.end < today - timedelta(days=92)
            if charge.kind is ChargeKind.USAGE and charge.period.start <= today and not is_old:
                yield charge


def _question(contract: MeteredContract, charge: Charge) -> UsageQuestion:
    feature = contract.features.get(charge.line_ref) or charge.line.item.provision.ref
    return UsageQuestion(contract.platform_customer, feature, charge.period)


def _difference(contract: MeteredContract, figure: UsageFigure, billed: str) -> FoundDifference:
    return FoundDifference(
        what=f"usage of {figure.feature_ref} from {figure.starts_on} ({figure.charge_key})",
        wanted=f"{figure.units:f} used",
        actual=f"{billed} billed",
        customer_name=contract.customer_name,
        owner="finance",
        fix="Usage came after it was billed. Credit the document or bill the rest, then leave it as it is.",
    )

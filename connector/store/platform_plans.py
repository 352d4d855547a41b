"""The catalogue of the embedded platform: plans in versions, drafts until somebody publishes them.

A published version never changes; subscriptions stay on the one they were made on. A plan of the configuration is
published by itself: another text of it is another version. It belongs to the platform and knows no subscriptions.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from pydantic import TypeAdapter

from connector.domain.entitlements import CustomPlan
from connector.errors import NotFound, Refused
from connector.store.inserting import insert_ignore
from connector.store.tables_platform import platform_plans
from connector.store.types import dump_exact
from connector.store.unit_of_work import Database, UnitOfWork

DRAFT, PUBLISHED = "draft", "published"
CONFIGURATION = "configuration"
_PLAN = TypeAdapter(CustomPlan)


class PlanRefused(Refused):
    """The plan cannot be changed like this."""

    code = "PLAN_REFUSED"
    owner = "RevOps"
    fix = "Correct the plan and send it again."


@dataclass(frozen=True, slots=True)
class PlanVersion:
    """One version of a plan as kept."""

    plan: CustomPlan
    state: str
    made_at: datetime
    published_at: datetime | None
    actor: str


class PlanStore:
    """Versions of plans, by ref."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def load(self, *, ref: str, version: int | None = None) -> CustomPlan | None:
        """That published version, or the newest published one; a plan with drafts only is not published.

        A plan of the configuration that is no longer in it is there for the subscriptions that run on it only.
        """
        versions = self.versions(ref=ref)
        published = [one for one in versions if one.state == PUBLISHED]
        if version is not None and (named := [one for one in published if one.plan.version == version]):
            return named[0].plan
        offered = [one for one in published if one.actor != CONFIGURATION]
        if offered:
            return offered[-1].plan
        drafts = [one for one in versions if one.state == DRAFT]
        return drafts[-1].plan if drafts else None

    def versions(self, *, ref: str) -> tuple[PlanVersion, ...]:
        """All versions of a plan, oldest first."""
        query = sa.select(platform_plans).where(platform_plans.c.ref == ref).order_by(platform_plans.c.version)
        with self._database.reading() as connection:
            return tuple(_version(row) for row in connection.execute(query))

    def refs(self) -> tuple[str, ...]:
        """The refs of all plans that were ever kept here."""
        with self._database.reading() as connection:
            return tuple(connection.execute(sa.select(platform_plans.c.ref).distinct().order_by("ref")).scalars())

    def save_draft(self, *, plan: CustomPlan, actor: str, now: datetime) -> PlanVersion:
        """Make the next version of the plan, or change the draft that there is."""
        with self._database.unit_of_work() as work:
            last = _last(work, plan.ref)
            if last is not None and last.state == DRAFT:
                _rewrite(work, last.id, plan, last.version, actor, now)
            else:
                _insert(work, plan, (last.version if last else 0) + 1, DRAFT, actor, now)
            work.commit()
        return self.versions(ref=plan.ref)[-1]

    def publish(self, *, ref: str, actor: str, now: datetime) -> PlanVersion:
        """Publish the draft; new orders use it from now on. Raises NotFound, and PlanRefused when there is no draft."""
        with self._database.unit_of_work() as work:
            last = _last(work, ref)
            if last is None:
                raise NotFound(f"There is no plan {ref}.")
            if last.state != DRAFT:
                raise PlanRefused(f"The plan {ref} has no draft; version {last.version} is published.")
            work.execute(
                platform_plans.update()
                .where(platform_plans.c.id == last.id, platform_plans.c.state == DRAFT)
                .values(state=PUBLISHED, published_at=now, actor=actor)
            )
            work.commit()
        return self.versions(ref=ref)[-1]

    def publish_configured(self, *, plans: Iterable[CustomPlan], now: datetime) -> dict[str, int]:
        """The version of each plan of the configuration; one whose text is new becomes the next version.

        A text that was there before is that version again, so processes with two configurations do not outbid each
        other.
        """
        found = {}
        for plan in plans:
            text = _text(plan)
            known = [one.plan.version for one in self.versions(ref=plan.ref) if _text(one.plan) == text]
            found[plan.ref] = known[-1] if known else self._publish_next(plan, now)
        return found

    def _publish_next(self, plan: CustomPlan, now: datetime) -> int:
        with self._database.unit_of_work() as work:
            last = _last(work, plan.ref)
            version = (last.version if last else 0) + 1
            _insert(work, plan, version, PUBLISHED, CONFIGURATION, now)
            work.commit()
        return version


def _text(plan: CustomPlan) -> str:
    """What the plan says, whatever version it is."""
    return dump_exact(dataclasses.asdict(dataclasses.replace(plan, version=0, is_published=True)))


def _last(work: UnitOfWork, ref: str) -> Any:
    query = sa.select(platform_plans).where(platform_plans.c.ref == ref).order_by(platform_plans.c.version.desc())
    return work.execute(query.limit(1).with_for_update()).one_or_none()


def _insert(work: UnitOfWork, plan: CustomPlan, version: int, state: str, actor: str, now: datetime) -> None:
    """A process that was quicker has made the same version; then its text counts and ours is the next try's."""
    work.execute(
        insert_ignore(work, platform_plans).values(
            ref=plan.ref, version=version, state=state, document=_document(plan, version, state), made_at=now,
            published_at=now if state == PUBLISHED else None, actor=actor,
        )
    )  # fmt: skip


def _rewrite(work: UnitOfWork, plan_id: int, plan: CustomPlan, version: int, actor: str, now: datetime) -> None:
    work.execute(
        platform_plans.update()
        .where(platform_plans.c.id == plan_id)
        .values(document=_document(plan, version, DRAFT), made_at=now, actor=actor)
    )


def _document(plan: CustomPlan, version: int, state: str) -> dict[str, Any]:
    return dataclasses.asdict(dataclasses.replace(plan, version=version, is_published=state == PUBLISHED))


def _version(row: Any) -> PlanVersion:
    plan = _PLAN.validate_python(row.document)
    plan = dataclasses.replace(plan, is_published=row.state == PUBLISHED, version=row.version)
    return PlanVersion(plan, row.state, row.made_at, row.published_at, row.actor)

"""What the shell needs at hand: settings, database, clock, the outside, and how to start durable work.

Made once per process by `bootstrap`, read everywhere by name; `current_services()` finds it inside a Flask request. It
holds parts and does nothing with them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import cast

from flask import current_app

from connector.config import Config
from connector.domain.assumptions import Assumptions
from connector.domain.entitlements import CustomPlan
from connector.domain.legal_entities import LegalEntity
from connector.domain.matching import MatchRules
from connector.domain.reminders import ReminderPlan
from connector.domain.review import ReviewRules
from connector.domain.tax import DEFAULT_TAX_RULES, ENTITY_COUNTRIES
from connector.domain.taxed_documents import TaxSettings
from connector.ports import Clock, EntitlementPlatform, Org, TaxEngine, UsageBook, UsageDoor
from connector.ports_identity import IdentityProvider
from connector.ports_mail import MailPost
from connector.ports_payments import PaymentProvider
from connector.ports_signing import SignatureProvider
from connector.statements.reading import StatementRules
from connector.store.unit_of_work import Database
from connector.usecases.cash_desk import CashDesk
from connector.usecases.change_plans import Catalogue
from connector.usecases.decide_form import FormDesk
from connector.usecases.form_settings import FormSettings
from connector.usecases.limit_callers import CallerLimits
from connector.usecases.pay_embedded import PayPage
from connector.usecases.postbox import Postbox
from connector.usecases.receive_envelope import EnvelopeReceiver
from connector.usecases.review_desk import ReviewDesk
from connector.usecases.show_hosted import FrontDesk, PaymentOptions, no_options
from connector.usecases.show_status import StatusBoard
from connector.usecases.start_look import StartsWork
from connector.usecases.sync_usage import UsageSync


@dataclass(frozen=True, slots=True)
class Services:
    """The parts of one process. `orgs` is keyed by org id, `entities` by the code of the legal entity.

    `identity` is the login provider, None while people sign in by name and password; `payments` is None while nobody
    takes money by link; `pay_page` is the embedded provider while it does; `mail` is None
    where nothing is sent.
    """

    config: Config
    database: Database
    clock: Clock
    starter: StartsWork
    orgs: Mapping[str, Org]
    platform: EntitlementPlatform
    board: StatusBoard
    usage: UsageBook
    assumed: Assumptions = field(default_factory=Assumptions)
    taxes: TaxEngine = field(default_factory=lambda: TaxSettings(DEFAULT_TAX_RULES, ENTITY_COUNTRIES))
    entities: Mapping[str, LegalEntity] = field(default_factory=dict)
    rules: ReviewRules = field(default_factory=ReviewRules)
    identity: IdentityProvider | None = None
    match_rules: MatchRules = field(default_factory=MatchRules)
    statement_rules: StatementRules = field(default_factory=StatementRules)
    reminder_plans: tuple[ReminderPlan, ...] = ()
    payments: PaymentProvider | None = None
    pay_page: PayPage | None = None
    payment_options: PaymentOptions = no_options
    mail: MailPost | None = None
    form_settings: FormSettings = field(default_factory=FormSettings)
    signing: Mapping[str, SignatureProvider] = field(default_factory=dict)
    usage_door: UsageDoor | None = None
    configured_plans: Sequence[CustomPlan] = ()
    catalogue: Catalogue = field(init=False)
    postbox: Postbox = field(init=False)
    usage_sync: UsageSync = field(init=False)
    desk: ReviewDesk = field(init=False)
    cash: CashDesk = field(init=False)
    front: FrontDesk = field(init=False)
    forms: FormDesk = field(init=False)
    envelopes: EnvelopeReceiver = field(init=False)
    limits: CallerLimits = field(init=False)

    def __post_init__(self) -> None:
        """Postbox and desks work on this database and with this starter, whatever was replaced."""
        postbox = Postbox(database=self.database, starter=self.starter, clock=self.clock)
        object.__setattr__(self, "postbox", postbox)
        plans = {plan.ref: plan for plan in self.configured_plans}
        catalogue = Catalogue(self.database, self.clock, plans, is_ours=self.usage_door is not None)
        object.__setattr__(self, "catalogue", catalogue)
        silence = timedelta(days=self.config.usage.silence_days)
        sync = UsageSync(self.database, self.clock, self.usage, self.platform.name, silence)
        object.__setattr__(self, "usage_sync", sync)
        desk = ReviewDesk(self.database, self.clock, self.rules, self.entities, self.taxes, self.board)
        object.__setattr__(self, "desk", desk)
        cash = CashDesk(self.database, self.clock, self.entities, self.match_rules)
        object.__setattr__(self, "cash", cash)
        front = FrontDesk(self.database, self.clock, self.entities, self.taxes, self.payment_options)
        object.__setattr__(self, "front", front)
        forms = FormDesk(self.database, self.clock, self.starter, self.orgs, self.form_settings)
        object.__setattr__(self, "forms", forms)
        receiver = EnvelopeReceiver(self.database, self.clock, self.starter, self.orgs, frozenset(self.signing))
        object.__setattr__(self, "envelopes", receiver)
        object.__setattr__(self, "limits", CallerLimits(clock=self.clock))


def current_services() -> Services:
    """The services of the Flask application that serves this request."""
    return cast(Services, current_app.extensions["countersign"])

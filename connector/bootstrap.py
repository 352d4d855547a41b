"""The composition root: from settings to the parts of one process. The only place that picks adapters and mappings.

Nothing here decides about business; it must not be imported by anything but the outermost ring.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

from connector import __version__
from connector.adapters.clock import SystemClock
from connector.adapters.identity_oidc import OidcLogin, OidcProvider
from connector.cashier import match_rules, reminder_plans, statement_rules
from connector.config import Config
from connector.config_billing import TaxRuleSettings
from connector.domain.tax import DEFAULT_TAX_RULES, ENTITY_COUNTRIES, Place, TaxCategory, TaxRule
from connector.domain.taxed_documents import TaxSettings
from connector.engine import Worker, WorkStarter, migrate_engine, new_executor_id
from connector.errors import Misconfigured
from connector.finance import legal_entities, review_rules
from connector.granting import stigg_platform
from connector.granting_embedded import configured_plans, embedded_platform, embedded_usage
from connector.jobs import Clockwork
from connector.logs import log
from connector.mailing import mail_post
from connector.orgs import all_assumptions, make_orgs, stand_alone_settings, used_mappings
from connector.paying import embedded_provider, payment_provider
from connector.ports import Clock
from connector.services import Services
from connector.signing import form_settings, signature_providers
from connector.store import mapping_versions
from connector.store.migrate import migrate
from connector.store.unit_of_work import Database, DatabaseLimits
from connector.usecases.approve_in_bulk import carry_out
from connector.usecases.bill_contracts import Biller
from connector.usecases.compare_intake import IntakeComparer
from connector.usecases.gate_order import FormGate
from connector.usecases.look_at_record import Looker
from connector.usecases.offer_payment import payment_options
from connector.usecases.show_status import AttemptRows, InvoiceRows, StatusBoard
from connector.usecases.spread_messages import spread
from connector.usecases.sweep_records import Sweeper
from connector.usecases.undo_order import Undoer
from mappings.writeback import attempt_fields, invoice_fields, status_field_name, status_fields


def make_services(config: Config, *, clock: Clock | None = None) -> Services:
    """The parts of one process; nothing is called yet. Raises Misconfigured with every fault of the settings."""
    database = Database(config.database.url, limits=_limits(config))
    used_clock = clock or SystemClock()
    starter = WorkStarter(engine=database.writer, is_sqlite=database.is_sqlite)
    return Services(
        config=config,
        database=database,
        clock=used_clock,
        starter=starter,
        orgs=make_orgs(config, clock=used_clock),
        **_access(config, database, used_clock),
        board=_board(config),
        assumed=all_assumptions(config),
        taxes=_taxes(config),
        entities=legal_entities(config.billing),
        rules=review_rules(config.review),
        match_rules=match_rules(config.cash),
        statement_rules=statement_rules(config),
        reminder_plans=reminder_plans(config.cash),
        payments=payment_provider(config=config, database=database, clock=used_clock),
        payment_options=payment_options,
        pay_page=embedded_provider(config=config, database=database, clock=used_clock),
        identity=make_identity_provider(config, used_clock),
        mail=mail_post(config=config),
        form_settings=replace(form_settings(config), **stand_alone_settings(config)),
        signing=signature_providers(config=config, clock=used_clock),
    )


def _access(config: Config, database: Database, clock: Clock) -> dict[str, Any]:
    """Where access is granted, who knows what was used, and where usage is reported."""
    if config.entitlements.platform == "stigg":
        stigg = stigg_platform(config=config, database=database, clock=clock)
        return {"platform": stigg, "usage": stigg}
    plans = configured_plans(config.entitlements)
    embedded = embedded_platform(database=database, clock=clock, plans=plans)
    late = timedelta(days=config.usage.late_days)
    usage = embedded_usage(database=database, clock=clock, platform=embedded, late=late)
    return {"platform": embedded, "usage": usage, "usage_door": usage, "configured_plans": plans}


def make_identity_provider(config: Config, clock: Clock) -> OidcProvider | None:
    """The login provider, asked nothing yet; None while people sign in by name and password."""
    oidc = config.web.oidc
    if config.web.login != "oidc" or oidc is None:
        return None
    login = OidcLogin(
        issuer=oidc.issuer,
        client_id=oidc.client_id,
        client_secret=config.secrets.oidc_client.get_secret_value(),
        redirect_address=f"{config.web.base_url}/login/callback",
        scopes=oidc.scopes,
        role_claim=oidc.role_claim,
        algorithms=oidc.algorithms,
        timeout=oidc.timeout,
    )
    return OidcProvider(login=login, clock=clock)


def mapping_settings_of(config: Config) -> dict[str, Any]:
    """The mappings in use as settings, by version when there are several."""
    found = used_mappings(config)
    return next(iter(found.values())) if len(found) == 1 else dict(found)


def remember_mappings(services: Services) -> None:
    """Keep the mappings in use, so that every order can be explained by the one that read it."""
    now = services.clock.now()
    with services.database.unit_of_work() as work:
        for version, settings in used_mappings(services.config).items():
            mapping_versions.save(work=work, version=version, settings=settings, release=__version__, now=now)
        work.commit()


def migrate_all(services: Services) -> tuple[str, str]:
    """Our tables and the engine's, brought to this release; answers our revisions before and after."""
    revisions = migrate(database=services.database)
    migrate_engine(database_url=_url(services.database))
    return revisions


def make_looker(services: Services) -> Looker:
    """The run that looks at records."""
    return Looker(
        database=services.database,
        clock=services.clock,
        starter=services.starter,
        orgs=services.orgs,
        platform=services.platform,
        board=services.board,
        forms=FormGate(services.database, services.clock, services.form_settings),
    )


def make_worker(services: Services, *, executor_id: str = "") -> Worker:
    """The worker of this process. Refuses to start in the wrong org (a refreshed sandbox has another id)."""
    looker = make_looker(services)
    executor = executor_id or new_executor_id()
    biller = make_biller(services, executor_id=executor)

    def spread_bodies(_run_id: str, argument: str) -> str:
        bodies = [int(body_id) for body_id in argument.split(",")]
        counts = [spread(database=services.database, starter=services.starter, body_id=body_id) for body_id in bodies]
        return str(sum(counts))

    def bill(_run_id: str, argument: str) -> str:
        done = 0
        while biller.bill_next_chunk(run_id=int(argument)):
            done += 1
        return str(done)

    def approve(_run_id: str, argument: str) -> str:
        return str(carry_out(desk=services.desk, bulk_id=int(argument)))

    return Worker(
        database_url=_url(services.database),
        engine=services.database.writer,
        is_sqlite=services.database.is_sqlite,
        executor_id=executor,
        runs={"look": looker.look, "spread": spread_bodies, "bill": bill, "approve": approve},
        idle_limit=services.config.database.idle_limit,
        slots=services.config.jobs.slots,
    )


def make_sweeper(services: Services) -> Sweeper:
    """The two questions that find what no push told."""
    jobs = services.config.jobs
    return Sweeper(
        database=services.database,
        clock=services.clock,
        starter=services.starter,
        orgs=services.orgs,
        overlap=timedelta(seconds=jobs.sweep_overlap),
        first_reach=timedelta(days=jobs.unsynced_days),
        unfinished=partial(_unfinished, services.config),
    )


def make_comparer(services: Services) -> IntakeComparer:
    """What holds all signed records against the orders here."""
    reach = timedelta(days=services.config.jobs.unsynced_days)
    return IntakeComparer(services.database, services.clock, services.orgs, make_sweeper(services), reach)


def make_biller(services: Services, *, executor_id: str) -> Biller:
    """What a billing run needs."""
    return Biller(services.database, services.clock, services.taxes, executor_id)


def make_undoer(services: Services) -> Undoer:
    """What undoing an order needs."""
    return Undoer(services.database, services.clock, services.platform, services.board)


def make_clockwork(services: Services, *, executor_id: str) -> Clockwork:
    """The scheduled jobs of this process."""
    assert isinstance(services.starter, WorkStarter)
    return Clockwork(
        services=services,
        sweeper=make_sweeper(services),
        comparer=make_comparer(services),
        biller=make_biller(services, executor_id=executor_id),
        engine=services.starter,
        executor_id=executor_id,
    )


def refuse_wrong_org(services: Services) -> None:
    """Raises Misconfigured when a configured org answers with another id: a copy must never write to our ledger."""
    for org in services.orgs.values():
        found = org.gateway.organization()
        if found.org_id != org.org_id:
            raise Misconfigured(
                f"The org {org.name!r} has the id {found.org_id}, not {org.org_id} as configured.",
                code="WRONG_ORG",
                fix="A refreshed sandbox has a new id: check instance_url and org_id in [salesforce].",
            )
        log.info("org_ready", org_id=found.org_id, is_sandbox=found.is_sandbox)


def _taxes(config: Config) -> TaxSettings:
    """The configured tax rules, or the built-in ones."""
    rules = tuple(_tax_rule(row) for row in config.billing.taxes) or DEFAULT_TAX_RULES
    countries = {entity.code: entity.country for entity in config.billing.entities} or dict(ENTITY_COUNTRIES)
    return TaxSettings(rules, countries)


def _board(config: Config) -> StatusBoard:
    log_object, invoice_object = config.writeback.log_object, config.writeback.invoice_object
    return StatusBoard(
        fields=_status_fields(config),
        base_url=config.web.base_url.rstrip("/"),
        money=frozenset(config.writeback.money),
        attempts=AttemptRows(log_object, attempt_fields) if log_object else None,
        invoices=InvoiceRows(invoice_object, invoice_fields) if invoice_object else None,
    )


def _status_fields(config: Config):  # type: ignore[no-untyped-def]
    shown = config.writeback
    return status_fields(objects=shown.objects, prefix=shown.prefix, renamed=shown.fields, money=shown.money)


def _unfinished(config: Config, object_name: str) -> str:
    """SOQL: our status field says nothing, or not yet."""
    shown = config.writeback
    field = status_field_name(prefix=shown.prefix, renamed=shown.fields)
    if object_name not in shown.objects or not field:
        return ""
    return f"{field} = null OR {field} IN ('Not Sent', 'Pending', 'Failed', 'Skipped')"


def _tax_rule(row: TaxRuleSettings) -> TaxRule:
    values = row.model_dump(exclude={"place", "category"})
    return TaxRule(place=Place(row.place), category=TaxCategory(row.category), **values)


def _limits(config: Config) -> DatabaseLimits:
    of = config.database
    return DatabaseLimits(idle=of.idle_limit, lock=of.lock_limit, statement=of.statement_limit)


def _url(database: Database) -> str:
    return database.url.render_as_string(hide_password=False)

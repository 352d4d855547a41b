"""From settings to what cash works with: rules of matching, our bank accounts, descriptions of CSV files, reminders.

Exists so that settings stay plain and the domain stays free of them. Nothing is read or called here.
"""

from __future__ import annotations

from connector.config import Config
from connector.config_cash import CashSettings, ReminderSettings
from connector.domain.bank_statements import OurAccount
from connector.domain.matching import MatchRules
from connector.domain.reminders import ReminderPlan, ReminderStep
from connector.statements.csv_rows import CsvDescription
from connector.statements.reading import StatementRules


def match_rules(settings: CashSettings) -> MatchRules:
    """The rules of matching."""
    return MatchRules(
        fee_tolerance=dict(settings.fee_tolerance),
        is_fee_automatic=settings.fees == "automatic",
        withholding_percents=settings.withholding_percents,
    )


def statement_rules(config: Config) -> StatementRules:
    """Our bank accounts, as they stand on invoices, and how their files are read."""
    accounts = (
        OurAccount(entity.code, account.iban, account.account_number, account.currency)
        for entity in config.billing.entities
        for account in entity.bank_accounts
    )
    descriptions = tuple(CsvDescription(**one.model_dump()) for one in config.cash.csv)
    return StatementRules(tuple(accounts), descriptions, config.cash.largest_statement)


def reminder_plans(settings: CashSettings) -> tuple[ReminderPlan, ...]:
    """The schedules of reminders."""
    return tuple(_plan(one) for one in settings.reminders)


def _plan(settings: ReminderSettings) -> ReminderPlan:
    steps = tuple(ReminderStep(step.name, step.days, step.tone, step.held) for step in settings.steps)
    return ReminderPlan(steps, settings.legal_entity, settings.customer, dict(settings.least))

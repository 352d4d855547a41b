"""What each address of the API does: ask one query or use case, show the answer."""

from __future__ import annotations

from flask import g, url_for

from connector.errors import NotFound
from connector.services import current_services
from connector.store import queries, queries_contracts, queries_operations, queries_orders
from connector.usecases import preview_record, replay_message, show_schedule
from connector.usecases import resync as resyncs
from connector.usecases.resync import ResyncAsked
from connector.web.api import answers, answers_of_actions, showing
from connector.web.api.requests import (
    ListParameters,
    OrderParameters,
    PreviewBody,
    ReplayBody,
    ResyncBody,
    SearchParameters,
)


def list_orders(parameters: OrderParameters) -> answers.PageAnswer[answers.OrderAnswer]:
    """Orders, newest first."""
    with current_services().database.reading() as connection:
        found = queries_orders.list_orders(
            connection=connection, page=parameters.page, state=parameters.state or "", text=parameters.q
        )
    return showing.page(found, showing.order)


def show_order(number: str) -> answers.OrderDetailAnswer:
    """One order with steps, faults, line items, what Salesforce shows, messages and history."""
    with current_services().database.reading() as connection:
        found = queries_orders.load_order(connection=connection, number=number)
    if found is None:
        raise NotFound(f"There is no order {number}.")
    return showing.order_detail(found)


def list_contracts(parameters: SearchParameters) -> answers.PageAnswer[answers.ContractAnswer]:
    """Contracts, newest first."""
    with current_services().database.reading() as connection:
        found = queries_contracts.list_contracts(connection=connection, page=parameters.page, text=parameters.q)
    return showing.page(found, showing.contract)


def show_contract(number: str) -> answers.ContractDetailAnswer:
    """One contract with lines, versions, subscriptions and orders."""
    with current_services().database.reading() as connection:
        found = queries_contracts.load_contract(connection=connection, number=number)
    if found is None:
        raise NotFound(f"There is no contract {number}.")
    return showing.contract_detail(found)


def show_contract_schedule(number: str) -> answers.ScheduleAnswer:
    """All charges of a contract by bill date; usage is estimated as zero and marked."""
    services = current_services()
    found = show_schedule.show_schedule(
        database=services.database, taxes=services.taxes, number=number, today=services.clock.now().date()
    )
    return answers.ScheduleAnswer(contract=number, charges=tuple(showing.charge(item) for item in found.charges))


def list_customers(parameters: SearchParameters) -> answers.PageAnswer[answers.CustomerAnswer]:
    """Customers, newest first."""
    with current_services().database.reading() as connection:
        found = queries.list_customers(connection=connection, page=parameters.page, text=parameters.q)
    return showing.page(found, showing.customer)


def list_parked(parameters: ListParameters) -> answers.PageAnswer[answers.MessageAnswer]:
    """Messages that were set aside, newest first, each with its reason."""
    with current_services().database.reading() as connection:
        found = queries_operations.list_messages(connection=connection, page=parameters.page, state="parked")
    return showing.page(found, showing.message)


def replay_parked(body: ReplayBody) -> answers_of_actions.ReplayAnswer:
    """Try parked messages again, because their cause is gone."""
    services = current_services()
    count = replay_message.replay(
        database=services.database,
        starter=services.starter,
        clock=services.clock,
        inbox_ids=body.ids,
        actor=_actor(),
        dry_run=body.dry_run,
    )
    return answers_of_actions.ReplayAnswer(replayed=count, dry_run=body.dry_run)


def start_resync(body: ResyncBody) -> answers_of_actions.ResyncStartedAnswer:
    """Look again now; what is confirmed is not repeated, the step that stopped goes on."""
    services = current_services()
    answer = resyncs.resync(
        database=services.database,
        starter=services.starter,
        clock=services.clock,
        orgs=services.orgs,
        asked=ResyncAsked(
            salesforce_id=body.salesforce_id or "", order=body.order or "", since=body.since, until=body.until
        ),
        actor=_actor(),
        is_dry_run=body.dry_run,
    )
    return answers_of_actions.ResyncStartedAnswer(
        token=answer.token,
        status_url=url_for("api.show_resync", token=answer.token),
        dry_run=body.dry_run,
        found=tuple(answers_of_actions.FoundRecordAnswer(**item) for item in answer.found),
    )


def show_resync(token: str) -> answers_of_actions.ResyncStatusAnswer:
    """How far a Resync is."""
    found = resyncs.load_resync(database=current_services().database, token=token)
    if found is None:
        raise NotFound("There is no Resync with this token.")
    return answers_of_actions.ResyncStatusAnswer(
        token=found["token"],
        dry_run=found["dry_run"],
        created_at=found["created_at"],
        done=found["done"],
        records=tuple(answers_of_actions.ResyncRecordAnswer(**item) for item in found["records"]),
    )


def preview(body: PreviewBody) -> answers_of_actions.PreviewAnswer:
    """The whole chain for one record, nothing written: order, contract, charges, entitlements, faults."""
    services = current_services()
    found = preview_record.preview(
        orgs=services.orgs,
        platform=services.platform,
        clock=services.clock,
        database=services.database,
        salesforce_id=body.salesforce_id,
        org_id=body.org_id or "",
    )
    return showing.preview(found)


def _actor() -> str:
    return f"token {g.token.name}"

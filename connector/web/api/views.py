"""What each address of the API does: ask one query or use case, show the answer."""

from __future__ import annotations

from flask import g, url_for

from connector.errors import NotFound
from connector.services import current_services
from connector.store import queries, queries_contracts, queries_invoices, queries_operations, queries_orders
from connector.usecases import replay_message, show_schedule
from connector.usecases import resync as resyncs
from connector.usecases.preview_record import Previewer
from connector.usecases.resync import ResyncAsked
from connector.usecases.review_desk import look_back
from connector.web.api import answers, answers_of_actions, answers_of_billing, showing, showing_billing
from connector.web.api.order_body import PreviewBody
from connector.web.api.requests import (
    InvoiceParameters,
    ListParameters,
    OrderParameters,
    ReplayBody,
    ResyncBody,
    SearchParameters,
)

# No id in the database is longer.
_LONGEST_ID = 18


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
    """One contract with its figures, history, warnings, lines, versions, subscriptions and orders."""
    services = current_services()
    with services.database.reading() as connection:
        found = queries_contracts.load_contract(connection=connection, number=number)
    if found is None:
        raise NotFound(f"There is no contract {number}.")
    schedule, problem = show_schedule.schedule_or_problem(
        database=services.database, taxes=services.taxes, number=number, today=services.clock.now().date()
    )
    return showing.contract_detail(found, schedule, problem)


def show_contract_schedule(number: str) -> answers_of_billing.ScheduleAnswer:
    """All charges of a contract by bill date, and its documents; usage is estimated as zero and marked."""
    services = current_services()
    found = show_schedule.show_schedule(
        database=services.database, taxes=services.taxes, number=number, today=services.clock.now().date()
    )
    return showing_billing.schedule(number, found)


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


def list_invoices(parameters: InvoiceParameters) -> answers.PageAnswer[answers_of_billing.InvoiceAnswer]:
    """Documents that billing made and holds, newest first."""
    with current_services().database.reading() as connection:
        found = queries_invoices.list_invoices(
            connection=connection,
            page=parameters.page,
            state=parameters.state or "",
            customer_ref=parameters.customer,
            contract_number=parameters.contract,
            text=parameters.q,
            month=parameters.month,
        )
    return showing.page(found, showing_billing.invoice)


def show_invoice(invoice_id: str) -> answers_of_billing.InvoiceDetailAnswer:
    """One document with its lines, each with contract, order and signed record, and its tax."""
    found = None
    if invoice_id.isascii() and invoice_id.isdigit() and len(invoice_id) <= _LONGEST_ID:
        with current_services().database.reading() as connection:
            found = queries_invoices.load_invoice(connection=connection, invoice_id=int(invoice_id))
    if found is None:
        raise NotFound(f"There is no document {invoice_id}.")
    reviewed = look_back(desk=current_services().desk, invoice_id=found.row.id)
    return showing_billing.invoice_detail(found, reviewed)


def preview(body: PreviewBody) -> answers_of_actions.PreviewAnswer:
    """The whole chain for a record or an order, nothing written: contract, charges, documents, entitlements, faults."""
    services = current_services()
    previewer = Previewer(services.orgs, services.platform, services.clock, services.database, services.taxes)
    if body.order is not None:
        return showing_billing.preview(previewer.preview_order(terms=body.order.order()))
    found = previewer.preview_record(salesforce_id=body.salesforce_id or "", org_id=body.org_id or "")
    return showing_billing.preview(found)


def _actor() -> str:
    return f"token {g.token.name}"

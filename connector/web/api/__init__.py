"""The API for machines, version 1: one table of addresses that serves, guards, checks and documents them."""

from __future__ import annotations

from flask import Blueprint

from connector.web.api import (
    answers,
    answers_of_actions,
    answers_of_billing,
    answers_of_forms,
    decisions,
    order_body,
    requests,
    views,
    views_of_delivery,
    views_of_forms,
)
from connector.web.api.endpoints import Endpoint, register

READ = ("read",)
WRITE = ("orders:write",)
FINANCE = ("finance",)
PREFIX = "/api/v1"

ENDPOINTS = (
    Endpoint(
        "GET", "/orders", views.list_orders, "List orders", READ,
        answers.PageAnswer[answers.OrderAnswer], parameters=requests.OrderParameters,
    ),
    Endpoint(
        "GET", "/orders/{number}", views.show_order, "Show an order", READ,
        answers.OrderDetailAnswer, refusals=(404,),
    ),
    Endpoint(
        "POST", "/order-forms", views_of_forms.send_order_form, "Send a signed order form", WRITE,
        answers_of_forms.FormReceivedAnswer, upload=True, status=202, location="status_url",
        refusals=(400, 409, 413, 415, 422, 503),
    ),
    Endpoint(
        "GET", "/order-forms/{number}", views_of_forms.show_order_form, "Show an order form", (*WRITE, *READ),
        answers_of_forms.FormAnswer, refusals=(404,),
    ),
    Endpoint(
        "GET", "/contracts", views.list_contracts, "List contracts", READ,
        answers.PageAnswer[answers.ContractAnswer], parameters=requests.SearchParameters,
    ),
    Endpoint(
        "GET", "/contracts/{number}", views.show_contract, "Show a contract", READ,
        answers.ContractDetailAnswer, refusals=(404,),
    ),
    Endpoint(
        "GET", "/contracts/{number}/schedule", views.show_contract_schedule,
        "Show the charges and documents of a contract", READ, answers_of_billing.ScheduleAnswer, refusals=(404, 422),
    ),
    Endpoint(
        "GET", "/invoices", views.list_invoices, "List invoices", READ,
        answers.PageAnswer[answers_of_billing.InvoiceAnswer], parameters=requests.InvoiceParameters,
    ),
    Endpoint(
        "GET", "/invoices/{invoice_id}", views.show_invoice, "Show an invoice", READ,
        answers_of_billing.InvoiceDetailAnswer, refusals=(404,),
    ),
    Endpoint(
        "GET", "/invoices/{number}/pdf", views_of_delivery.show_invoice_pdf, "Get the PDF of an issued document", READ,
        None, media="application/pdf", refusals=(404, 422, 503),
    ),
    Endpoint(
        "GET", "/invoices/{number}/xml", views_of_delivery.show_invoice_xml, "Get the XML of an issued document", READ,
        None, media="application/xml", refusals=(404, 422, 503),
    ),
    Endpoint(
        "POST", "/invoices/{invoice_id}/approve", decisions.approve, "Approve a document", FINANCE,
        decisions.DecisionAnswer, body=decisions.ApproveBody, refusals=(404, 422, 503),
    ),
    Endpoint(
        "POST", "/invoices/{invoice_id}/hold", decisions.hold, "Hold a draft", FINANCE,
        decisions.DecisionAnswer, body=decisions.HoldBody, refusals=(404, 422, 503),
    ),
    Endpoint(
        "POST", "/invoices/{invoice_id}/reject", decisions.reject, "Send a draft back", FINANCE,
        decisions.DecisionAnswer, body=decisions.RejectBody, refusals=(404, 422, 503),
    ),
    Endpoint(
        "POST", "/invoices/{invoice_id}/void", decisions.void, "Void a draft", FINANCE,
        decisions.DecisionAnswer, body=decisions.VoidBody, refusals=(404, 422, 503),
    ),
    Endpoint(
        "POST", "/invoices/{invoice_id}/credit", decisions.credit, "Credit an issued invoice", FINANCE,
        decisions.DecisionAnswer, body=decisions.CreditBody, refusals=(404, 422, 503),
    ),
    Endpoint(
        "GET", "/customers", views.list_customers, "List customers", READ,
        answers.PageAnswer[answers.CustomerAnswer], parameters=requests.SearchParameters,
    ),
    Endpoint(
        "GET", "/parked", views.list_parked, "List parked messages", READ,
        answers.PageAnswer[answers.MessageAnswer], parameters=requests.ListParameters,
    ),
    Endpoint(
        "POST", "/parked/replay", views.replay_parked, "Replay parked messages", WRITE,
        answers_of_actions.ReplayAnswer, body=requests.ReplayBody, refusals=(404, 503),
    ),
    Endpoint(
        "POST", "/resync", views.start_resync, "Look again at signed records", WRITE,
        answers_of_actions.ResyncStartedAnswer, body=requests.ResyncBody, status=202, location="status_url",
        refusals=(404, 422, 503),
    ),
    # Whoever may start a Resync may see how far it is.
    Endpoint(
        "GET", "/resync/{token}", views.show_resync, "Show how far a Resync is", (*WRITE, *READ),
        answers_of_actions.ResyncStatusAnswer, refusals=(404,),
    ),
    Endpoint(
        "POST", "/preview", views.preview, "Preview a record or an order", READ,
        answers_of_actions.PreviewAnswer, body=order_body.PreviewBody, refusals=(404, 422, 503),
    ),
)  # fmt: skip

api = Blueprint("api", __name__, url_prefix=PREFIX)
for _endpoint in ENDPOINTS:
    register(blueprint=api, endpoint=_endpoint)

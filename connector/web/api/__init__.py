"""The API for machines, version 1: one table of addresses that serves, guards, checks and documents them."""

from __future__ import annotations

from flask import Blueprint

from connector.web.api import (
    access_body,
    answers,
    answers_of_access,
    answers_of_actions,
    answers_of_billing,
    answers_of_forms,
    answers_of_payments,
    decisions,
    order_body,
    requests,
    views,
    views_of_access,
    views_of_collecting,
    views_of_delivery,
    views_of_forms,
    views_of_payments,
)
from connector.web.api.endpoints import Endpoint, register

READ = ("read",)
WRITE = ("orders:write",)
FINANCE = ("finance",)
USAGE = ("usage:write",)
PLANS = ("plans:write",)
PREFIX = "/api/v1"

ACCESS = (
    # A product that gates its features reads with the token that it reports usage with.
    Endpoint(
        "GET", "/customers/{customer}/entitlements", views_of_access.show_entitlements,
        "Show what a customer may use now", (*READ, *USAGE), answers_of_access.EntitlementsAnswer,
        refusals=(404, 422, 503),
    ),
    Endpoint(
        "GET", "/customers/{customer}/entitlements/{ref}", views_of_access.check_entitlement,
        "Check whether a customer may use something", (*READ, *USAGE), answers_of_access.CheckAnswer,
        parameters=access_body.CheckParameters, refusals=(404, 422, 503),
    ),
    Endpoint(
        "GET", "/customers/{customer}/credits/{ref}", views_of_access.show_ledger,
        "Show the ledger of a credit", READ, answers_of_access.LedgerAnswer,
        parameters=access_body.LedgerParameters, refusals=(404, 422, 503),
    ),
    Endpoint(
        "POST", "/usage", views_of_access.count_usage, "Report usage", USAGE,
        answers_of_access.UsageCountedAnswer, body=access_body.UsageBody, refusals=(409, 422, 503),
    ),
    Endpoint(
        "GET", "/plans", views_of_access.list_plans, "List plans", (*READ, *PLANS), answers_of_access.PlansAnswer,
        refusals=(409,),
    ),
    Endpoint(
        "GET", "/plans/{plan}", views_of_access.show_plan, "Show the versions of a plan", (*READ, *PLANS),
        answers_of_access.PlansAnswer, refusals=(404, 409),
    ),
    Endpoint(
        "PUT", "/plans/{plan}", views_of_access.save_plan, "Save the draft of a plan", PLANS,
        answers_of_access.PlanAnswer, body=access_body.PlanBody, refusals=(409, 422),
    ),
    Endpoint(
        "POST", "/plans/{plan}/publish", views_of_access.publish_plan, "Publish the draft of a plan", PLANS,
        answers_of_access.PlanAnswer, refusals=(404, 409, 422),
    ),
    Endpoint(
        "GET", "/differences", views_of_access.show_differences, "List differences between two sides", READ,
        answers.PageAnswer[answers_of_access.DifferenceAnswer], parameters=access_body.DifferenceParameters,
    ),
)  # fmt: skip

ENDPOINTS = (
    *ACCESS,
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
        "POST", "/invoices/{number}/stop", views_of_collecting.stop_invoice_reminders,
        "Stop reminders of an invoice: disputed, promised, paused", FINANCE, views_of_collecting.StopAnswer,
        body=views_of_collecting.StopBody, refusals=(404, 422, 503),
    ),
    Endpoint(
        "POST", "/invoices/{number}/resume", views_of_collecting.resume_invoice_reminders,
        "Remind of an invoice again", FINANCE, views_of_collecting.StopAnswer, refusals=(404, 422, 503),
    ),
    Endpoint(
        "GET", "/payments", views_of_payments.list_payments, "List payments", READ,
        answers.PageAnswer[answers_of_payments.PaymentAnswer], parameters=views_of_payments.PaymentParameters,
    ),
    Endpoint(
        "GET", "/payments/{payment_id}", views_of_payments.show_payment, "Show a payment", READ,
        answers_of_payments.PaymentDetailAnswer, refusals=(404,),
    ),
    Endpoint(
        "GET", "/invoices/{number}/files", views_of_delivery.list_invoice_files, "Show the files of a document", READ,
        views_of_delivery.FilesAnswer, refusals=(404,),
    ),
    Endpoint(
        "POST", "/invoices/{number}/files", views_of_delivery.make_invoice_files, "Make failed files again", FINANCE,
        views_of_delivery.FilesAnswer, refusals=(404, 503),
    ),
    Endpoint(
        "GET", "/invoices/{number}/links", views_of_delivery.list_invoice_links, "List the links of a document",
        FINANCE, views_of_delivery.LinksAnswer, refusals=(404,),
    ),
    Endpoint(
        "POST", "/invoices/{number}/links", views_of_delivery.share_invoice_link, "Share a document", FINANCE,
        views_of_delivery.LinkAnswer, body=views_of_delivery.ShareBody, status=201, refusals=(404, 503),
    ),
    Endpoint(
        "POST", "/links/{link_id}/revoke", views_of_delivery.revoke_link, "End a link", FINANCE,
        views_of_delivery.LinksAnswer, refusals=(404, 503),
    ),
    Endpoint(
        "GET", "/invoices/{number}/deliveries", views_of_delivery.list_invoice_deliveries,
        "List the mails of a document", READ, answers.PageAnswer[views_of_delivery.DeliveryAnswer],
        parameters=requests.ListParameters, refusals=(404,),
    ),
    Endpoint(
        "POST", "/invoices/{number}/deliveries", views_of_delivery.send_invoice, "Send a document", FINANCE,
        views_of_delivery.DeliveryAnswer, body=views_of_delivery.SendBody, status=202, refusals=(404, 422, 503),
    ),
    Endpoint(
        "GET", "/deliveries", views_of_delivery.list_deliveries, "List mails", READ,
        answers.PageAnswer[views_of_delivery.DeliveryAnswer], parameters=views_of_delivery.DeliveryParameters,
    ),
    Endpoint(
        "POST", "/deliveries/{delivery_id}/bounce", views_of_delivery.report_bounce, "Tell that a mail came back",
        FINANCE, views_of_delivery.DeliveryAnswer, body=views_of_delivery.BounceBody, refusals=(404, 422, 503),
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

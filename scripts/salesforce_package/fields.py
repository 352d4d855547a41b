"""Which fields the package has, on which objects, with the words that people read about them.

`mappings/writeback.py` says what we write; a test holds the two together.
"""

from __future__ import annotations

from dataclasses import dataclass

PREFIX = "Sync_"
STATUS_WORDS = ("Not Sent", "Pending", "In Progress", "Synced", "Warning", "Failed", "Blocked", "Skipped")


@dataclass(frozen=True, slots=True)
class Field:
    """One custom field. `kind`: Text(n), LongText(n), Number(p,s), Date, DateTime, Url, Status, Lookup(X)."""

    name: str
    label: str
    kind: str
    help: str
    is_external_id: bool = False
    is_unique: bool = False

    @property
    def api_name(self) -> str:
        """The name in Salesforce."""
        return f"{PREFIX}{self.name}__c"


# What a signed record shows: how far its deal is, and what to do.
STATUS = (
    Field("Status", "Sync Status", "Status", "How far this deal is in billing."),
    Field("Step", "Sync Step", "Text(80)", "The step that the deal is at."),
    Field("Steps", "Sync Steps", "LongText(4000)", "Every step with its state, one a line."),
    Field("Last_Attempt", "Sync Last Attempt", "DateTime", "When it was tried last."),
    Field("Last_Success", "Sync Last Success", "DateTime", "When everything was last right."),
    Field("Error_Code", "Sync Error Code", "Text(80)", "A stable code for reports and list views."),
    Field("Error", "Sync Error", "LongText(4000)", "What is wrong, what to change, and who does it."),
    Field("Attempts", "Sync Attempts", "Number(4,0)", "How often the step was tried."),
    Field("Key", "Sync Key", "Text(80)", "The key of this deal in billing.", is_external_id=True, is_unique=True),
    Field("Order_Number", "Sync Order Number", "Text(40)", "The order that this record became."),
    Field("Contract_Number", "Sync Contract Number", "Text(40)", "The billing contract that the order belongs to."),
    Field("Contract_Value", "Sync Contract Value", "Number(18,3)", "What the whole contract is worth, all orders."),
    Field("Link", "Sync Link", "Url", "The order's page in billing."),
    Field("Source_Hash", "Sync Source Hash", "Text(64)", "Which state of the record was worked on."),
    Field("Requested_At", "Sync Requested At", "DateTime", "Set by the button Resync; a change sends the record."),
    Field("Requested_By", "Sync Requested By", "Text(80)", "Who pressed Resync."),
)

# What people ask about money; on signed records and on the account.
MONEY = (
    Field("Next_Invoice_On", "Next Invoice On", "Date", "When the next invoice is due to be drafted."),
    Field(
        "Next_Invoice_Amount", "Next Invoice Amount", "Number(18,3)", "What it comes to by the schedule, before tax."
    ),
    Field("Last_Invoice", "Last Invoice", "Text(80)", "The newest invoice and its state."),
    Field("Payment_State", "Payment State", "Text(20)", "Paid, part-paid, overdue or open."),
    Field("Open_Balance", "Open Balance", "Number(18,3)", "What is issued and not yet paid."),
    Field("Overdue_Balance", "Overdue Balance", "Number(18,3)", "What of it is past its due day."),
    Field("Last_Payment_On", "Last Payment On", "Date", "When money last came in."),
    Field("Usage", "Usage Against Commitment", "Text(255)", "What was used of what was committed."),
)

ACCOUNT = (
    Field("Key", "Sync Key", "Text(80)", "The customer's key in billing.", is_external_id=True, is_unique=True),
    Field("Link", "Sync Link", "Url", "The customer's page in billing."),
    *MONEY,
)

LOG = (
    Field("Key", "Key", "Text(80)", "The key of this row; the same row is never written twice.", True, True),
    Field("Record_Id", "Record Id", "Text(18)", "The record that was looked at."),
    Field("Object", "Object", "Text(80)", "What kind of record it is."),
    Field("Account", "Account", "Lookup(Account)", "The customer."),
    Field("Opportunity", "Opportunity", "Lookup(Opportunity)", "The opportunity, if the record is one."),
    Field("Status", "Status", "Status", "What came of this attempt."),
    Field("Error_Code", "Error Code", "Text(80)", "A stable code."),
    Field("Error", "Error", "LongText(4000)", "What is wrong, what to change, and who does it."),
    Field("Owner", "Who Acts", "Text(80)", "Who has to do something."),
    Field("Order_Number", "Order Number", "Text(40)", "The order."),
    Field("At", "At", "DateTime", "When it was."),
    Field("Run", "Run", "Text(120)", "The run that did it, to find it in the logs."),
)

INVOICE = (
    Field("Key", "Key", "Text(80)", "The key of this invoice; the same invoice is never written twice.", True, True),
    Field("Account", "Account", "Lookup(Account)", "The customer."),
    Field("Kind", "Kind", "Text(20)", "Invoice or credit note."),
    Field("State", "State", "Text(20)", "Held, issued, part-paid, paid, overdue, void."),
    Field("Issued_On", "Issued On", "Date", "The date of the document."),
    Field("Due_On", "Due On", "Date", "When it is due."),
    Field("Total", "Total", "Number(18,3)", "What it comes to, with tax."),
    Field("Open", "Open", "Number(18,3)", "What is not yet paid of it."),
    Field("Currency", "Currency", "Text(3)", "The currency of the amounts."),
    Field("Contract_Number", "Contract Number", "Text(40)", "The billing contract."),
    Field("Link", "Link", "Url", "The invoice's page in billing."),
)


@dataclass(frozen=True, slots=True)
class Signed:
    """An object that gets signed: when, as flow filters (field, kind of value, value), and its list view's columns."""

    name: str
    label: str
    filters: tuple[tuple[str, str, str], ...]
    columns: tuple[str, ...]


SIGNED = (
    Signed("Quote", "Quote", (("Status", "stringValue", "Accepted"),), ("QUOTE.NAME", "QUOTE.QUOTE_NUMBER")),
    Signed("Opportunity", "Opportunity", (("IsWon", "booleanValue", "true"),), ("OPPORTUNITY.NAME", "ACCOUNT.NAME")),
    Signed("Order", "Order", (("StatusCode", "stringValue", "Activated"),), ("ORDER.NUMBER", "ACCOUNT.NAME")),
    Signed("Contract", "Contract", (("StatusCode", "stringValue", "Activated"),), ("CONTRACT.NUMBER", "ACCOUNT.NAME")),
)
CPQ = (
    Signed(
        "SBQQ__Quote__c",
        "CPQ Quote",
        (("SBQQ__Status__c", "stringValue", "Accepted"), ("SBQQ__Primary__c", "booleanValue", "true")),
        ("NAME", "SBQQ__Account__c"),
    ),
)

"""What makes a record known to the service: an outbound message for each object, and the flows that send it.

Three flows an object. One sends on the change to signed, one sends when somebody asked for a Resync; both leave out
whoever has the permission `Sync_Bypass`, which is the integration user, so that our own writing never calls ourselves.
The third runs before saving: a clone begins without the original's status, and a Resync shows as pending at once.
"""

from __future__ import annotations

from scripts.salesforce_package.fields import MONEY, STATUS, Signed
from scripts.salesforce_package.writing import Item, document

API_VERSION = "63.0"
ENDPOINT = "https://countersign.example.com/webhooks/salesforce/outbound/REPLACE_WITH_THE_PUSH_TOKEN"
INTEGRATION_USER = "countersign-integration@example.com"
_WAS_ASKED = ("Sync_Requested_At__c", "booleanValue", "true")
_PLACE: list[Item] = [("locationX", 176), ("locationY", 0)]


def message_files(signed: Signed) -> dict[str, str]:
    """The object's outbound message and its flows."""
    short = short_name(signed)
    resync = [_WAS_ASKED]
    return {
        f"workflows/{signed.name}.workflow-meta.xml": document("Workflow", [("outboundMessages", _message(short))]),
        f"flows/Sync_{short}_Signed.flow-meta.xml": document("Flow", _sending(signed, "Signed", "EqualTo")),
        f"flows/Sync_{short}_Resync.flow-meta.xml": document("Flow", _sending(signed, "Resync", "IsChanged", resync)),
        f"flows/Sync_{short}_Clone.flow-meta.xml": document("Flow", _clearing(signed)),
        f"flows/Sync_{short}_Asked.flow-meta.xml": document("Flow", _pending(signed)),
        f"flows/Sync_{short}_Signed_Event.flow-meta.xml": document("Flow", _calling(signed)),
    }


def short_name(signed: Signed) -> str:
    """The object's name as part of other names."""
    return "CPQ_Quote" if signed.name == "SBQQ__Quote__c" else signed.name


def _message(short: str) -> list[Item]:
    return [
        ("fullName", f"Sync_{short}_Look"),
        ("apiVersion", API_VERSION),
        ("description", "Tells Countersign to look at the record. Nothing in it is believed."),
        ("endpointUrl", ENDPOINT),
        ("fields", "Id"),
        ("includeSessionId", False),
        ("integrationUser", INTEGRATION_USER),
        ("name", f"Sync {short.replace('_', ' ')} Look"),
        ("protected", False),
        ("useDeadLetterQueue", False),
    ]


def _sending(signed: Signed, why: str, operator: str, filters: list[tuple[str, str, str]] | None = None) -> list[Item]:
    """A flow after saving that sends the message, except for the integration user."""
    short = short_name(signed)
    message = f"{signed.name}.Sync_{short}_Look"
    action: list[Item] = [
        ("name", "Send_Message"),
        ("label", "Send the message"),
        *_PLACE,
        ("actionName", message),
        ("actionType", "outboundMessage"),
        ("flowTransactionModel", "CurrentTransaction"),
        ("nameSegment", message),
    ]
    is_resync = filters is not None
    start = _start(
        signed,
        filters if filters is not None else list(signed.filters),
        operator=operator,
        event="Update" if is_resync else "CreateAndUpdate",
        when="RecordAfterSave",
        leads_to="Is_It_Us",
        is_transition=not is_resync,
    )
    return [
        ("actionCalls", action),
        ("apiVersion", API_VERSION),
        ("decisions", _is_it_us()),
        ("description", f"Sends {signed.label} to Countersign: {why.lower()}."),
        *_rest(f"Sync {signed.label} {why}", start),
    ]


def _calling(signed: Signed) -> list[Item]:
    """The other way, switched off: a signed JSON event by Apex, for orgs that may not use outbound messages."""
    record: list[Item] = [("name", "recordId"), ("value", [("elementReference", "$Record.Id")])]
    object_name: list[Item] = [("name", "objectName"), ("value", [("stringValue", signed.name)])]
    action: list[Item] = [
        ("name", "Send_Event"),
        ("label", "Send the event"),
        *_PLACE,
        ("actionName", "SyncEvents"),
        ("actionType", "apex"),
        ("flowTransactionModel", "CurrentTransaction"),
        ("inputParameters", object_name),
        ("inputParameters", record),
        ("nameSegment", "SyncEvents"),
    ]
    start = _start(
        signed,
        list(signed.filters),
        operator="EqualTo",
        event="CreateAndUpdate",
        when="RecordAfterSave",
        leads_to="",
        is_transition=True,
        later="Send_Event",
    )
    return [
        ("actionCalls", action),
        ("apiVersion", API_VERSION),
        ("description", "Instead of the outbound message: needs the named credential and the secret. Switched off."),
        *_rest(f"Sync {signed.label} Signed Event", start, status="Draft"),
    ]


def _clearing(signed: Signed) -> list[Item]:
    """Before a new record is saved: no status of the record that it was cloned from."""
    nothing: list[Item] = [("inputAssignments", [("field", field.api_name)]) for field in (*STATUS, *MONEY)]
    update: list[Item] = [
        ("name", "Begin_Without_Status"),
        ("label", "Begin without status"),
        *_PLACE,
        *nothing,
        ("inputReference", "$Record"),
    ]
    start = _start(signed, [], operator="", event="Create", when="RecordBeforeSave", leads_to="Begin_Without_Status")
    return [
        ("apiVersion", API_VERSION),
        ("description", "A cloned record is another deal: it begins without the status of the first."),
        *_rest(f"Sync {signed.label} Clone", start, between=[("recordUpdates", update)]),
    ]


def _pending(signed: Signed) -> list[Item]:
    """Before a Resync is saved: the status says at once that it is wanted."""
    word: list[Item] = [("field", "Sync_Status__c"), ("value", [("stringValue", "Pending")])]
    update: list[Item] = [
        ("name", "Show_Pending"),
        ("label", "Show pending"),
        *_PLACE,
        ("inputAssignments", word),
        ("inputReference", "$Record"),
    ]
    start = _start(
        signed,
        [_WAS_ASKED],
        operator="IsChanged",
        event="Update",
        when="RecordBeforeSave",
        leads_to="Show_Pending",
    )
    return [
        ("apiVersion", API_VERSION),
        ("description", "Whoever presses Resync sees at once that it was taken."),
        *_rest(f"Sync {signed.label} Asked", start, between=[("recordUpdates", update)]),
    ]


def _start(
    signed: Signed,
    filters: list[tuple[str, str, str]],
    *,
    operator: str,
    event: str,
    when: str,
    leads_to: str,
    is_transition: bool = False,
    later: str = "",
) -> list[Item]:
    """Where a flow begins; `later` is the element of the path that runs after the transaction."""
    conditions: list[Item] = [
        ("filters", [("field", field), ("operator", operator), ("value", [(kind, value)])])
        for field, kind, value in filters
    ]
    afterwards: list[Item] = [("connector", [("targetReference", later)]), ("pathType", "AsyncAfterCommit")]
    first: list[Item] = [("connector", [("targetReference", leads_to)])] if leads_to else []
    scheduled: list[Item] = [("scheduledPaths", afterwards)] if later else []
    return [
        ("locationX", 50),
        ("locationY", 0),
        *first,
        *([("doesRequireRecordChangedToMeetCriteria", True)] if is_transition else []),
        *([("filterLogic", "and"), *conditions] if conditions else []),
        ("object", signed.name),
        ("recordTriggerType", event),
        *scheduled,
        ("triggerType", when),
    ]


def _is_it_us() -> list[Item]:
    ours: list[Item] = [
        ("leftValueReference", "$Permission.Sync_Bypass"),
        ("operator", "EqualTo"),
        ("rightValue", [("booleanValue", False)]),
    ]
    rule: list[Item] = [
        ("name", "Somebody_Else"),
        ("conditionLogic", "and"),
        ("conditions", ours),
        ("connector", [("targetReference", "Send_Message")]),
        ("label", "Somebody else"),
    ]
    return [
        ("name", "Is_It_Us"),
        ("label", "Is it us?"),
        *_PLACE,
        ("defaultConnectorLabel", "The integration user"),
        ("rules", rule),
    ]


def _rest(label: str, start: list[Item], *, status: str = "Active", between: list[Item] | None = None) -> list[Item]:
    return [
        ("environments", "Default"),
        ("interviewLabel", f"{label} {{!$Flow.CurrentDateTime}}"),
        ("label", label),
        ("processType", "AutoLaunchedFlow"),
        *(between or []),
        ("start", start),
        ("status", status),
    ]

"""What each Salesforce error code means to us: try again or not, in plain words, who acts and what to do. Only data.

Exists so that a rep, an administrator and the retry queue read the same table. A code that is not listed counts as a
refusal by the org: it is shown with Salesforce's own text and not tried again by itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from connector.errors import Conflict, ConnectorError, Misconfigured, Refused, Unavailable

ADMIN, REP, OPERATOR = "salesforce_admin", "sales_rep", "operator"

_WAIT = "Nothing to do: it is tried again by itself."
_GRANT = "Give the integration user's permission set access to the object, the field and the record."
_OUR_MISTAKE = "Report it with the log entry of the same time."


@dataclass(frozen=True, slots=True)
class Meaning:
    """One code: the error it becomes for a whole call, the sentence, who acts, and what to do.

    `is_quick` says that a second try within seconds can help. `retry_words` are words in Salesforce's own text that
    make a refusal of one row worth another try.
    """

    error: type[ConnectorError]
    says: str
    owner: str = OPERATOR
    fix: str = _WAIT
    is_quick: bool = False
    retry_words: tuple[str, ...] = ()


UNKNOWN_CODE = Meaning(
    Refused, "Salesforce refused it", ADMIN, "Read Salesforce's own words and correct the record or the org."
)

REQUEST_LIMIT = "REQUEST_LIMIT_EXCEEDED"
# The two request limits share a code; this word in the text marks the daily one.
DAILY_LIMIT_WORD = "TotalRequests"
DAILY_LIMIT_PAUSE_SECONDS = 900
CONCURRENT_LIMIT_PAUSE_SECONDS = 5

MEANINGS: Mapping[str, Meaning] = {
    # Later, by itself.
    "INVALID_SESSION_ID": Meaning(Unavailable, "the token was not accepted for a part of the call", is_quick=True),
    "SERVER_UNAVAILABLE": Meaning(Unavailable, "Salesforce is not available", is_quick=True),
    "UNKNOWN_EXCEPTION": Meaning(Unavailable, "Salesforce failed inside", is_quick=True),
    "UNABLE_TO_LOCK_ROW": Meaning(
        Conflict, "somebody else is changing the record, its account or a parent of it", is_quick=True
    ),
    "QUERY_TIMEOUT": Meaning(Unavailable, "the query took Salesforce too long"),
    "REQUEST_RUNNING_TOO_LONG": Meaning(Unavailable, "the request took Salesforce too long"),
    "TOO_MANY_APEX_REQUESTS": Meaning(Unavailable, "the org is busy with its own code"),
    "INVALID_QUERY_LOCATOR": Meaning(Unavailable, "Salesforce forgot where the query had got to", is_quick=True),
    "PROCESSING_HALTED": Meaning(Unavailable, "an earlier part of the same call failed"),
    "ALL_OR_NONE_OPERATION_ROLLED_BACK": Meaning(Conflict, "another record of the same call failed"),
    "ENTITY_IS_LOCKED": Meaning(
        Conflict,
        "the record is locked by an approval",
        ADMIN,
        "It is tried again later; let locked records be edited by the integration user, or finish the approval.",
    ),
    # The record or the org's own rules say no.
    "FIELD_CUSTOM_VALIDATION_EXCEPTION": Meaning(
        Refused, "a validation rule of the org stopped it", ADMIN, "Exempt the integration user from the rule."
    ),
    "CANNOT_EXECUTE_FLOW_TRIGGER": Meaning(
        Refused, "a flow of the org failed on it", ADMIN, "Repair the flow, or exempt the integration user from it."
    ),
    "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY": Meaning(
        Refused,
        "a trigger of the org failed on it",
        ADMIN,
        "Repair the trigger; Salesforce's own words name it.",
        retry_words=("UNABLE_TO_LOCK_ROW", "LIMIT_EXCEEDED", "System.LimitException", "Apex CPU time"),
    ),
    "FIELD_FILTER_VALIDATION_EXCEPTION": Meaning(
        Refused, "a lookup filter of the org refused the value", ADMIN, "Relax the lookup filter for this field."
    ),
    "FIELD_INTEGRITY_EXCEPTION": Meaning(
        Refused, "the values do not go together in this record", REP, "Correct the record in Salesforce."
    ),
    "DUPLICATE_VALUE": Meaning(
        Refused, "another record has the same unique value", ADMIN, "Find the record named below and clear the copy."
    ),
    "DUPLICATES_DETECTED": Meaning(
        Refused, "a duplicate rule of the org stopped it", ADMIN, "Let the integration user pass the duplicate rule."
    ),
    "ALREADY_IN_PROCESS": Meaning(
        Refused, "the record is in an approval", REP, "Finish the approval, then press Resync."
    ),
    "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST": Meaning(
        Refused, "a value is not in the picklist", ADMIN, "Add the value to the picklist and to the record type."
    ),
    "STRING_TOO_LONG": Meaning(Refused, "a text is longer than its field", ADMIN, "Make the field longer."),
    "NUMBER_OUTSIDE_VALID_RANGE": Meaning(Refused, "a number does not fit its field", ADMIN, "Widen the field."),
    "REQUIRED_FIELD_MISSING": Meaning(
        Refused, "a field that the org requires is empty", REP, "Fill in the field in Salesforce."
    ),
    "MISSING_ARGUMENT": Meaning(Refused, "the record's id is missing", OPERATOR, _OUR_MISTAKE),
    "MALFORMED_ID": Meaning(Refused, "the record id has the wrong length or kind", OPERATOR, "Check the record's id."),
    "INVALID_ID_FIELD": Meaning(Refused, "the record id has the wrong kind", OPERATOR, "Check the record's id."),
    "INVALID_CROSS_REFERENCE_KEY": Meaning(
        Refused, "the record is not there any more, or is of another kind", REP, "Check whether it was deleted."
    ),
    "ENTITY_IS_DELETED": Meaning(
        Refused, "the record was deleted or merged into another", REP, "Restore it, or go on with the other record."
    ),
    "NOT_FOUND": Meaning(Refused, "there is no such record or object for our user", ADMIN, _GRANT),
    "INACTIVE_OWNER_OR_USER": Meaning(
        Refused, "the record's owner is no longer active", ADMIN, "Give the record to an active owner."
    ),
    "FAILED_ACTIVATION": Meaning(Refused, "the activation was refused", REP, "Check the record's status."),
    "INVALID_STATUS": Meaning(Refused, "the change of status was refused", REP, "Check the record's status."),
    "JSON_PARSER_ERROR": Meaning(Refused, "Salesforce could not read our request", OPERATOR, _OUR_MISTAKE),
    "EXCEEDED_ID_LIMIT": Meaning(Refused, "the time span holds too many records", OPERATOR, "Ask for less at once."),
    "INVALID_REPLICATION_DATE": Meaning(Refused, "the time span is too old", OPERATOR, "Ask for a newer time span."),
    # Settings, permissions, the org itself.
    "INSUFFICIENT_ACCESS": Meaning(Misconfigured, "our user has no access", ADMIN, _GRANT),
    "INSUFFICIENT_ACCESS_OR_READONLY": Meaning(Refused, "our user may not change the record", ADMIN, _GRANT),
    "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY": Meaning(
        Refused, "our user may not use a record that this one points to", ADMIN, _GRANT
    ),
    "INVALID_FIELD": Meaning(
        Misconfigured,
        "a field is misspelt, or hidden from our user by field security",
        ADMIN,
        "Check the spelling in the mapping; if it is right, let the permission set read the field.",
    ),
    "INVALID_FIELD_FOR_INSERT_UPDATE": Meaning(
        Misconfigured,
        "a field cannot be written by our user (formula, automatic number, or no edit permission)",
        ADMIN,
        "Let the permission set edit the field, or take it out of the write-back fields.",
    ),
    "INVALID_TYPE": Meaning(
        Misconfigured, "the object is misspelt, or hidden from our user", ADMIN, "Check its API name. " + _GRANT
    ),
    "MALFORMED_QUERY": Meaning(
        Misconfigured,
        "Salesforce could not read the query",
        OPERATOR,
        "Check the condition `where` and the field names of this object in the configuration.",
    ),
    "API_CURRENTLY_DISABLED": Meaning(
        Misconfigured, "the API is switched off for our user", ADMIN, "Give the user the permission API Enabled."
    ),
    "API_DISABLED_FOR_ORG": Meaning(
        Misconfigured, "this edition of Salesforce has no API", ADMIN, "Have the API enabled for the org."
    ),
    "UNSUPPORTED_API_VERSION": Meaning(
        Misconfigured, "this API version is retired", OPERATOR, "Raise salesforce.api_version."
    ),
    "LIMIT_EXCEEDED": Meaning(Misconfigured, "a limit of the org is used up", ADMIN, "See the org's limits in Setup."),
    "STORAGE_LIMIT_EXCEEDED": Meaning(Misconfigured, "the org's storage is full", ADMIN, "Free some storage."),
    "INVALID_OPERATION": Meaning(Misconfigured, "the org does not allow this operation", ADMIN, _GRANT),
}

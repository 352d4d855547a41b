"""Refusals of the sandbox in Salesforce's own words: one exception that knows its code, status and fields.

Every layer raises `Refusal`; the REST layer turns it into the JSON list that Salesforce answers with. It must not
be used for mistakes of our own code: those stay ordinary exceptions and become a visible 500.
"""

from __future__ import annotations

from typing import Any


class Refusal(Exception):
    """Salesforce says no: `code` as in its error list, `status` as in its HTTP answer."""

    def __init__(self, code: str, message: str, *, status: int = 400, fields: tuple[str, ...] | None = None) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status
        self.fields = fields

    def plain(self) -> dict[str, Any]:
        """The entry of a plain error list (key `errorCode`)."""
        entry: dict[str, Any] = {"message": self.message, "errorCode": self.code}
        if self.fields is not None:
            entry["fields"] = list(self.fields)
        return entry

    def row(self) -> dict[str, Any]:
        """The entry of a result row in a collection (key `statusCode`)."""
        return {"statusCode": self.code, "message": self.message, "fields": list(self.fields or ())}


def not_found(message: str = "The requested resource does not exist") -> Refusal:
    """404 as for an unknown path, object or record."""
    return Refusal("NOT_FOUND", message, status=404)


def unknown_object(name: str) -> Refusal:
    """The answer to an object name that is absent or not visible."""
    return Refusal(
        "INVALID_TYPE",
        f"sObject type '{name}' is not supported. If you are attempting to use a custom object, be sure to append the "
        "'__c' after the entity name. Please reference your WSDL or the describe call for the appropriate names.",
    )


def unknown_column(name: str, object_name: str) -> Refusal:
    """The answer to a field name in a query that is wrong or hidden by field-level security."""
    return Refusal(
        "INVALID_FIELD",
        f"No such column '{name}' on entity '{object_name}'. If you are attempting to use a custom field, be sure to "
        "append the '__c' after the custom field name. Please reference your WSDL or the describe call for the "
        "appropriate names.",
    )

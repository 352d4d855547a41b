"""Refusals in the words and codes that Stigg documents."""

from __future__ import annotations

from typing import Any


class Refusal(Exception):
    """The call is refused with a status and a code."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code = status, code

    @property
    def body(self) -> dict[str, Any]:
        """What is answered."""
        return {"code": self.code, "message": str(self)}


def invalid(message: str) -> Refusal:
    """400: the request breaks a rule."""
    return Refusal(400, "InvalidArgumentError", message)


def missing(what: str, ref: str) -> Refusal:
    """404: there is no such thing."""
    return Refusal(404, f"{what}NotFound", f"{what} {ref} not found")


def doubled(message: str) -> Refusal:
    """409: there is one already."""
    return Refusal(409, "DuplicatedEntityNotAllowed", message)

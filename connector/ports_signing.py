"""The door to an e-signature provider: completed envelopes with their documents.

Apart from `ports` because it is a page of its own. It knows no vendor and does nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from connector.domain.tie_out import Person


@dataclass(frozen=True, slots=True)
class EnvelopeDocument:
    """One document of an envelope, with its bytes."""

    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class FetchedEnvelope:
    """An envelope as the provider has it now; `certificate` is empty while there is none."""

    envelope_ref: str
    is_completed: bool
    status: str
    completed_at: datetime | None = None
    record_id: str = ""
    signers: tuple[Person, ...] = ()
    documents: tuple[EnvelopeDocument, ...] = ()
    certificate: bytes = b""


class SignatureProvider(Protocol):
    """Where envelopes are. Raises Retryable, Refused and Misconfigured errors, never a vendor's. Reads only."""

    @property
    def name(self) -> str:
        """The provider's name, as its envelopes carry it."""

    def fetch_envelope(self, *, envelope_ref: str, largest_file: int) -> FetchedEnvelope:
        """The envelope; of a completed one also its PDF documents, each at most so many bytes. Raises NotFound."""

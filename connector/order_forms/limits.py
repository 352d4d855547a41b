"""How much one document may cost. Handed to the child process with each document."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FormLimits:
    """Bytes of the file and of what is unpacked from it, pages, seconds for one document, bytes of memory."""

    largest_file: int = 25_000_000
    most_pages: int = 200
    seconds: float = 30.0
    memory: int = 1024**3
    largest_attachment: int = 2_000_000
    most_signatures: int = 50

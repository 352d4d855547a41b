"""Log lines as JSON, one event a line; order, message and run ids are bound once per unit of work.

No secret and no record content belongs in a log: say ids and codes, people look the rest up on the pages.
"""

from __future__ import annotations

import logging
import sys
from typing import Any

import structlog

log: Any = structlog.get_logger("countersign")


def start_logging(*, level: str = "INFO", is_lasting: bool = True) -> None:
    """Send all log lines to standard error as JSON, those of libraries from WARNING on.

    Lasting settings are quicker and cannot be changed in this process; a command that may yet serve starts without.
    """
    output: Any = _StandardError()
    logging.basicConfig(stream=output, level=logging.WARNING, format="%(name)s %(levelname)s %(message)s")
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level)),
        logger_factory=structlog.WriteLoggerFactory(file=output),
        cache_logger_on_first_use=is_lasting,
    )


class _StandardError:
    """Standard error as it is when a line is written, whatever it was when logging began."""

    def write(self, text: str) -> int:
        """Write there."""
        return sys.stderr.write(text)

    def flush(self) -> None:
        """Pass it on."""
        sys.stderr.flush()


def bound(**values: Any) -> Any:
    """A context in which every log line carries these values."""
    return structlog.contextvars.bound_contextvars(**values)

"""The settings of the database: where everything is kept, and what PostgreSQL bears with one connection.

Part of `config`, apart because it stands alone.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from pydantic import Field, field_validator

from connector.config_billing import Section


class DatabaseSettings(Section):
    """Where everything is kept. A URL with a password comes from COUNTERSIGN_DATABASE_URL, never from the file.

    The limits are seconds and hold on PostgreSQL: a transaction without a sign of life, a wait for a lock, a statement.
    """

    url: str = Field(default="sqlite:///var/countersign.db", repr=False)
    idle_limit: float = Field(default=30, ge=1, le=3600)
    lock_limit: float = Field(default=20, ge=1, le=3600)
    statement_limit: float = Field(default=300, ge=10, le=86_400)

    @field_validator("url")
    @classmethod
    def _known_kind(cls, value: str) -> str:
        parts = urlsplit(value)
        is_file = parts.scheme == "sqlite" and parts.path.strip("/") not in ("", ":memory:")
        if not is_file and parts.scheme not in ("postgresql", "postgresql+psycopg"):
            raise ValueError("must start with postgresql://, or with sqlite:/// and name a file")
        return value

"""Delivery of documents to customers, and people who sign in by OIDC."""

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Safe while the previous release runs: nothing changes yet."""

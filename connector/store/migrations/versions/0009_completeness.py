"""Completeness: what was looked at in Salesforce, log rows, mapping versions."""

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Safe while the previous release runs: nothing changes yet."""

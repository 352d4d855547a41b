"""Order forms: signed documents, what was read from them, the tie-out."""

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Safe while the previous release runs: nothing changes yet."""

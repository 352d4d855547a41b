"""Access: what the entitlement platforms keep, grants for later, usage as it was read."""

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Safe while the previous release runs: nothing changes yet."""

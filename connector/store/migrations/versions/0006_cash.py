"""Cash: payments, allocations, refunds, bank statements, reminders."""

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Safe while the previous release runs: nothing changes yet."""

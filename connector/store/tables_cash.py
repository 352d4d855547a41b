"""Cash: payments, allocations, refunds, bank statements, reminders."""

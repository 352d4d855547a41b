"""Access: what the entitlement platforms keep, grants for later, usage as it was read."""

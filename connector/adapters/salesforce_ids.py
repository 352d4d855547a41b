"""Salesforce ids under the name that adapters know; the rule itself is in `domain`, so that mappings can use it."""

from __future__ import annotations

from connector.domain.salesforce_ids import NotASalesforceId, id18

__all__ = ["NotASalesforceId", "id18"]

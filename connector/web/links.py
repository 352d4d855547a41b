"""Ways out of our pages: where a record is in Salesforce."""

from __future__ import annotations

from connector.services import current_services


def salesforce_url(org_id: str, record_id: str) -> str:
    """Where the record is in Salesforce, or empty when the org is no longer configured."""
    services = current_services()
    org = services.orgs.get(org_id)
    settings = next((item for item in services.config.salesforce if org and item.name == org.name), None)
    return f"{settings.instance_url}/{record_id}" if settings else ""

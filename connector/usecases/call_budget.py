"""How much of the day's API calls of an org is left, asked of its gateway.

Exists so that everything that could wait asks the same question before it calls Salesforce. It must not decide what
waits; the answer's `may_search` and `may_ask` say it.
"""

from __future__ import annotations

from connector.domain.api_budget import Budget, budget_of
from connector.ports import Org


def call_budget(org: Org) -> Budget:
    """The budget now. Raises ConnectorErrors when the org does not answer.

    Asking for the time first refreshes a count that has grown old (at most one cheap call in ten minutes); else one
    busy day would stop us for ever.
    """
    org.gateway.server_now()
    usage = org.gateway.usage()
    return budget_of(used=usage.used, limit=usage.limit, calls_per_day=org.calls_per_day)

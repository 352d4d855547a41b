"""A strict stand-in for Stigg, for tests and benchmarks: what the SDK's own types and Stigg's published rules allow.

It refuses unknown keys and wrong types, keeps the rules of contracts and their subscriptions, limits changes as Stigg
does, and forgets nothing when an answer is lost on purpose. Where Stigg is silent it takes the stricter reading.
"""

from tests.stigg_server.faults import Bad
from tests.stigg_server.server import API_KEY, StiggServer

__all__ = ["API_KEY", "Bad", "StiggServer"]

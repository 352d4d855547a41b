"""A stand-in for Salesforce that ships with Countersign: for the demo, for tests, for trying a mapping without an org.

It answers OAuth, REST (records, SOQL, composite, collections), pushes outbound messages and signed events, and can
have bad days on request. It imports nothing of the product, so that the product meets it only over HTTP.
"""

from connector.sandbox.sandbox import CLIENT_ID, CLIENT_SECRET, USERNAME, Sandbox

__all__ = ["CLIENT_ID", "CLIENT_SECRET", "USERNAME", "Sandbox"]

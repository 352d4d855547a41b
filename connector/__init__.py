"""Countersign: a signed Salesforce deal becomes an order, a contract, access, invoices and cash.

Where to look: `domain` decides (pure values), `store` keeps (the only place with SQL), `adapters` speak to the outside,
`usecases` join the three, one verb per module. `web` and the package `webhooks` are the doors, `jobs` the clockwork,
`engine` the durable work, `bootstrap` the one place that picks the parts. `mappings` reads Salesforce records into
orders. The import rule between them is a test: tests/test_architecture.py.
"""

__version__ = "0.1.0"

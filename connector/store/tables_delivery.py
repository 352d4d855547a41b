"""Delivery of documents to customers, and people who sign in by OIDC."""

"""Completeness: what was looked at in Salesforce, log rows, mapping versions."""

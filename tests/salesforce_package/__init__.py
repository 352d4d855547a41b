"""Offline checks of the Salesforce package."""

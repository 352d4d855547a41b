"""Tests of the stand-in Salesforce."""

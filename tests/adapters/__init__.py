"""Tests of what speaks to the outside, against scripted answers."""

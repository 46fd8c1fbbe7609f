"""Scenarios: stored rules of lists, with their history."""

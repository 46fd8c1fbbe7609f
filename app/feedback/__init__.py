"""Feedback: what was shown of a list and what came of it, and the report on it."""

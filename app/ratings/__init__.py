"""Opinions: given, changed, taken back, listed."""

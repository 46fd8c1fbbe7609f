"""Ratings: given, changed, taken back, listed."""

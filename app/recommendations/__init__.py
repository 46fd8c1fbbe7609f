"""Recommendations, predictions and similar movies."""

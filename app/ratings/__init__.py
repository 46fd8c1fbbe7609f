"""Ratings and the users who gave them."""

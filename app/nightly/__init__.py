"""Nightly lists: the first movies of all users, in a file or a table."""

"""Data sets: their import, and the snapshot that training reads."""

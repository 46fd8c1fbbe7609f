"""Experiments: begun, reported on, stopped, and their winner promoted."""

"""Evaluation of models, and the report card."""

"""The batch job that turns ratings into a published model."""

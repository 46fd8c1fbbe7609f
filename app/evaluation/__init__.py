"""What people read about how good a model is."""

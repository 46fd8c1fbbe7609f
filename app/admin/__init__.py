"""The operators' pages: models, trainings, keys and how the service does, behind an admin key."""

"""What every part of the service stands on: errors, logging, metrics, polling."""

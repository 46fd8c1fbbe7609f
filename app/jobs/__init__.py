"""Training runs as jobs: asked for, leased, resumed, scheduled, followed."""

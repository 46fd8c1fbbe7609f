"""All of the operators' pages."""

from app.admin import (
    audit,
    experiments,
    feedback,
    keys,
    models,
    overview,
    scenarios,
    sign_in,
    training_runs,
)

# One by one: a router within a router would hide the methods of its paths (`app.http.handlers`).
ROUTERS = (
    overview.router,
    sign_in.router,
    models.router,
    training_runs.router,
    scenarios.router,
    experiments.router,
    feedback.router,
    keys.router,
    audit.router,
)

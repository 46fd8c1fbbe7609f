"""All of the operators' pages."""

from app.admin import keys, models, overview, sign_in, training_runs

# One by one: a router within a router would hide the methods of its paths (`app.http.handlers`).
ROUTERS = (overview.router, sign_in.router, models.router, training_runs.router, keys.router)

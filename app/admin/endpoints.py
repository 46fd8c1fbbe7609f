"""All of the operators' pages."""

from fastapi import APIRouter

from app.admin import keys, models, overview
from app.admin import sign_in as signing_in
from app.admin import training_runs as trainings

router = APIRouter(include_in_schema=False)
for part in (overview, signing_in, models, trainings, keys):
    router.include_router(part.router)

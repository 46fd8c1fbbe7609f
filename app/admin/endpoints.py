"""All of the operators' pages."""

from fastapi import APIRouter

from app.admin import keys, models, overview, signing_in, trainings

router = APIRouter(include_in_schema=False)
for part in (overview, signing_in, models, trainings, keys):
    router.include_router(part.router)

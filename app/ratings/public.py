"""What people of a public release have rated, for anybody to look over their shoulder."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field
from sqlalchemy import Connection, select

from app.auth.dependencies import READ_PUBLIC_USERS
from app.core.errors import COMMON, InvalidRequestError, UserNotFoundError, responses
from app.db.sql import liked
from app.db.tables import datasets, movies, ratings, users
from app.http.api import ServicesDependency, json_response
from app.http.identifiers import UserKey
from app.ratings.service import RatingService

router = APIRouter(tags=["ratings"])


class PublicRating(BaseModel):
    """A rating of a public release, with the movie that it is about."""

    movie_id: int
    title: str
    year: int | None
    genres: list[str]
    liked: bool


class PublicRatings(BaseModel):
    """What somebody in a public release has rated."""

    user: str
    dataset: str = Field(description="The release")
    items: list[PublicRating] = Field(description="All of it, the latest first")


@router.get(
    "/users/{user}/public-ratings",
    dependencies=[READ_PUBLIC_USERS],
    response_model=PublicRatings,
    responses=responses(InvalidRequestError, UserNotFoundError, *COMMON),
    summary="What somebody in a public release has rated",
)
def get_public_ratings(user: UserKey, services: ServicesDependency) -> Response:
    """Return the ratings that this user has in the public release that was imported.

    Nobody else is found here, and nothing that was rated through this service is shown.
    """
    with services.database.read() as connection:
        rows = _public_ratings(connection, user, services.find(RatingService).like_threshold)
    if not rows:
        raise UserNotFoundError("Nobody of this key is in a public release.")
    items = [PublicRating.model_validate(row, from_attributes=True) for row in rows]
    return json_response(PublicRatings(user=user, dataset=rows[0].dataset, items=items))


def _public_ratings(connection: Connection, key: str, like_threshold: float) -> Sequence[Any]:
    return connection.execute(
        select(
            datasets.c.name.label("dataset"),
            movies.c.id.label("movie_id"),
            movies.c.title,
            movies.c.year,
            movies.c.genres,
            liked(like_threshold).label("liked"),
        )
        .select_from(users)
        .join(datasets, datasets.c.is_public)
        .join(ratings, ratings.c.user_id == users.c.id)
        .join(movies, movies.c.id == ratings.c.movie_id)
        .where(users.c.key == key, ratings.c.from_release)
        .order_by(ratings.c.rated_at.desc(), ratings.c.movie_id)
    ).all()

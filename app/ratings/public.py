"""Ratings of users of a public release, which need no key."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field
from sqlalchemy import Connection, select

from app.auth.dependencies import READ_PUBLIC_USERS
from app.auth.errors import COMMON
from app.core.errors import InvalidRequestError, responses
from app.db.sql import liked
from app.db.tables import datasets, movies, ratings, users
from app.http.api import ServicesDependency, json_response
from app.http.identifiers import UserKey
from app.movies.schemas import MovieSummary
from app.ratings.errors import UserNotFoundError
from app.ratings.service import RatingService
from data.movie_keys import public_key

router = APIRouter(tags=["ratings"])


class PublicRating(MovieSummary):
    """A rating of a public release, with its movie."""

    liked: bool


class PublicRatings(BaseModel):
    """The ratings of a user of a public release."""

    user: str
    dataset: str = Field(description="The release")
    items: list[PublicRating] = Field(description="All ratings, the latest first")


@router.get(
    "/users/{user}/public-ratings",
    dependencies=[READ_PUBLIC_USERS],
    response_model=PublicRatings,
    responses=responses(InvalidRequestError, UserNotFoundError, *COMMON),
    summary="The ratings of a user of a public release",
)
def get_public_ratings(user: UserKey, services: ServicesDependency) -> Response:
    """Return the ratings of this user in the public release that was imported.

    Other users are not found here, and ratings that came through this service are not shown.
    """
    with services.database.read() as connection:
        rows = _public_ratings(connection, user, services.find(RatingService).like_threshold)
    if not rows:
        raise UserNotFoundError("No user of a public release has this key.")
    items = [_public_rating(row) for row in rows]
    return json_response(PublicRatings(user=user, dataset=rows[0].dataset, items=items))


def _public_rating(row: Any) -> PublicRating:
    key = public_key(row.id, row.key)
    return PublicRating(
        movie_id=key, title=row.title, year=row.year, genres=row.genres, liked=row.liked
    )


def _public_ratings(connection: Connection, key: str, like_threshold: float) -> Sequence[Any]:
    return connection.execute(
        select(
            datasets.c.name.label("dataset"),
            movies.c.id,
            movies.c.key,
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

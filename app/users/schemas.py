"""How users are named, and what is shown of them."""

from typing import Annotated

from fastapi import Path
from pydantic import BaseModel, ConfigDict, Field

from app.ratings.schemas import Rating

# Not `.` and `..`, which browsers and proxies take out of a path.
KEY_PATTERN = r"^\.*[A-Za-z0-9_~@:+-][A-Za-z0-9._~@:+-]*$"
LONGEST_KEY = 128
UserKey = Annotated[
    str,
    Path(
        pattern=KEY_PATTERN,
        max_length=LONGEST_KEY,
        description="The key under which you know this person; it is opaque to the service",
        examples=["42"],
    ),
]


class User(BaseModel):
    """All that is kept of a person."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "user": "42",
                    "imported_from": None,
                    "ratings_revision": 7,
                    "ratings": [
                        {
                            "movie_id": 2959,
                            "stars": 4.5,
                            "liked": True,
                            "rated_at": "2026-11-20T10:15:00Z",
                        }
                    ],
                }
            ]
        }
    )

    user: str
    imported_from: str | None = Field(
        description="The data set that this person came with; null for one of your own"
    )
    ratings_revision: int = Field(description="Number of the last change of these ratings")
    ratings: list[Rating] = Field(description="Every rating, by rising movie id")

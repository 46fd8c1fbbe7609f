"""How films are named and shown."""

from typing import Annotated

from fastapi import Path
from pydantic import BaseModel, ConfigDict, Field

LARGEST_MOVIE_ID = 2**31 - 1

MovieId = Annotated[
    int,
    Path(ge=1, le=LARGEST_MOVIE_ID, description="MovieLens id of the film", examples=[2959]),
]


class Movie(BaseModel):
    """A film."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "movie_id": 2959,
                    "title": "Fight Club",
                    "year": 1999,
                    "genres": ["Action", "Crime", "Drama", "Thriller"],
                    "imdb_id": 137523,
                    "tmdb_id": 550,
                }
            ]
        }
    )

    movie_id: int
    title: str = Field(description="Without the year")
    year: int | None
    genres: list[str]
    imdb_id: int | None = Field(description="Number in the address of its IMDb page")
    tmdb_id: int | None = Field(description="Number in the address of its TMDB page")

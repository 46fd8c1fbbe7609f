from __future__ import annotations

from collections.abc import Mapping
from typing import (
    Any,
    Literal,
    TypeVar,
    cast,
)

from attrs import define as _attrs_define

T = TypeVar("T", bound="GenreBoost")


@_attrs_define
class GenreBoost:
    """weight for movies of this genre.

    Attributes:
        weight (float): Added to the log-odds of a like
        by (Literal['genre']):
        genre (str):
    """

    weight: float
    by: Literal["genre"]
    genre: str

    def to_dict(self) -> dict[str, Any]:
        weight = self.weight

        by = self.by

        genre = self.genre

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "weight": weight,
                "by": by,
                "genre": genre,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        weight = d.pop("weight")

        by = cast(Literal["genre"], d.pop("by"))
        if by != "genre":
            raise ValueError(f"by must match const 'genre', got '{by}'")

        genre = d.pop("genre")

        genre_boost = cls(
            weight=weight,
            by=by,
            genre=genre,
        )

        return genre_boost

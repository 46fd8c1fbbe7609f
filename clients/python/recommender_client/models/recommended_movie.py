from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.source import Source, check_source
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.because import Because


T = TypeVar("T", bound="RecommendedMovie")


@_attrs_define
class RecommendedMovie:
    """A movie, and how much this user would like it.

    Attributes:
        movie_id (int | str):
        title (str):
        year (int | None):
        genres (list[str]):
        score (float): Probability that this user will watch and like it, for `genres` by its genres and popularity; for
            `popular` and `new`, the share of all users who like it, for `trending` of those who like it lately, for
            `similar` the similarity to the movie that this user liked last
        like_probability (float): Probability that this user likes it once seen; from any source but `rbm`, the damped
            share of likes among its ratings
        source (Source): The source of a list, or of a movie in it.
        because (list[Because]): The ratings without which the score would be lower, the strongest first; in a sampled
            list the score of the ranked one
        boost (float | Unset): What the rules have added to the log-odds of `score`; left out where 0 Default: 0.0.
        pinned (bool | Unset): It has this place by a rule of the scenario; left out of the others Default: False.
    """

    movie_id: int | str
    title: str
    year: int | None
    genres: list[str]
    score: float
    like_probability: float
    source: Source
    because: list[Because]
    boost: float | Unset = 0.0
    pinned: bool | Unset = False
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        movie_id: int | str
        movie_id = self.movie_id

        title = self.title

        year: int | None
        year = self.year

        genres = self.genres

        score = self.score

        like_probability = self.like_probability

        source: str = self.source

        because = []
        for because_item_data in self.because:
            because_item = because_item_data.to_dict()
            because.append(because_item)

        boost = self.boost

        pinned = self.pinned

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "movie_id": movie_id,
                "title": title,
                "year": year,
                "genres": genres,
                "score": score,
                "like_probability": like_probability,
                "source": source,
                "because": because,
            }
        )
        if boost is not UNSET:
            field_dict["boost"] = boost
        if pinned is not UNSET:
            field_dict["pinned"] = pinned

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.because import Because  # noqa: PLC0415

        d = dict(src_dict)

        def _parse_movie_id(data: object) -> int | str:
            return cast(int | str, data)

        movie_id = _parse_movie_id(d.pop("movie_id"))

        title = d.pop("title")

        def _parse_year(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        year = _parse_year(d.pop("year"))

        genres = cast(list[str], d.pop("genres"))

        score = d.pop("score")

        like_probability = d.pop("like_probability")

        source = check_source(d.pop("source"))

        because = []
        _because = d.pop("because")
        for because_item_data in _because:
            because_item = Because.from_dict(because_item_data)

            because.append(because_item)

        boost = d.pop("boost", UNSET)

        pinned = d.pop("pinned", UNSET)

        recommended_movie = cls(
            movie_id=movie_id,
            title=title,
            year=year,
            genres=genres,
            score=score,
            like_probability=like_probability,
            source=source,
            because=because,
            boost=boost,
            pinned=pinned,
        )

        recommended_movie.additional_properties = d
        return recommended_movie

    @property
    def additional_keys(self) -> list[str]:
        return list(self.additional_properties.keys())

    def __getitem__(self, key: str) -> Any:
        return self.additional_properties[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self.additional_properties[key] = value

    def __delitem__(self, key: str) -> None:
        del self.additional_properties[key]

    def __contains__(self, key: str) -> bool:
        return key in self.additional_properties

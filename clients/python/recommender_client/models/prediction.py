from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.reason import Reason, check_reason
from ..models.source import Source, check_source

if TYPE_CHECKING:
    from ..models.because import Because


T = TypeVar("T", bound="Prediction")


@_attrs_define
class Prediction:
    """How much a user would like a movie, by their ratings about other movies.

    Attributes:
        user (str):
        model (None | str): Version that is served; null before the first
        source (Source): The source of a list, or of a movie in it.
        reason (None | Reason): Why it is not personal; null when it is
        movie_id (int | str):
        title (str):
        year (int | None):
        genres (list[str]):
        score (float): Probability that this user will watch and like it, for `genres` by its genres and popularity; for
            `popular` and `new`, the share of all users who like it, for `trending` of those who like it lately, for
            `similar` the similarity to the movie that this user liked last
        like_probability (float): Probability that this user likes it once seen; from any source but `rbm`, the damped
            share of likes among its ratings
        because (list[Because]): The ratings without which the score would be lower, the strongest first; in a sampled
            list the score of the ranked one
        liked (bool | None): The rating of this movie by this user, which the prediction does not use; null without one
    """

    user: str
    model: None | str
    source: Source
    reason: None | Reason
    movie_id: int | str
    title: str
    year: int | None
    genres: list[str]
    score: float
    like_probability: float
    because: list[Because]
    liked: bool | None
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        user = self.user

        model: None | str
        model = self.model

        source: str = self.source

        reason: None | str
        if isinstance(self.reason, str):
            reason = self.reason
        else:
            reason = self.reason

        movie_id: int | str
        movie_id = self.movie_id

        title = self.title

        year: int | None
        year = self.year

        genres = self.genres

        score = self.score

        like_probability = self.like_probability

        because = []
        for because_item_data in self.because:
            because_item = because_item_data.to_dict()
            because.append(because_item)

        liked: bool | None
        liked = self.liked

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "user": user,
                "model": model,
                "source": source,
                "reason": reason,
                "movie_id": movie_id,
                "title": title,
                "year": year,
                "genres": genres,
                "score": score,
                "like_probability": like_probability,
                "because": because,
                "liked": liked,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.because import Because  # noqa: PLC0415

        d = dict(src_dict)
        user = d.pop("user")

        def _parse_model(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        model = _parse_model(d.pop("model"))

        source = check_source(d.pop("source"))

        def _parse_reason(data: object) -> None | Reason:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                reason_type_0 = check_reason(data)

                return reason_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | Reason, data)

        reason = _parse_reason(d.pop("reason"))

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

        because = []
        _because = d.pop("because")
        for because_item_data in _because:
            because_item = Because.from_dict(because_item_data)

            because.append(because_item)

        def _parse_liked(data: object) -> bool | None:
            if data is None:
                return data
            return cast(bool | None, data)

        liked = _parse_liked(d.pop("liked"))

        prediction = cls(
            user=user,
            model=model,
            source=source,
            reason=reason,
            movie_id=movie_id,
            title=title,
            year=year,
            genres=genres,
            score=score,
            like_probability=like_probability,
            because=because,
            liked=liked,
        )

        prediction.additional_properties = d
        return prediction

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

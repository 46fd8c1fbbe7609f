from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.movie_attributes import MovieAttributes


T = TypeVar("T", bound="Movie")


@_attrs_define
class Movie:
    """A movie.

    Attributes:
        movie_id (int | str):
        title (str): Without the year
        year (int | None):
        genres (list[str]):
        imdb_id (int | None): Number in the address of its IMDb page
        tmdb_id (int | None): Number in the address of its TMDB page
        attributes (MovieAttributes): Further attributes by name: a text, a number, or a list of texts
    """

    movie_id: int | str
    title: str
    year: int | None
    genres: list[str]
    imdb_id: int | None
    tmdb_id: int | None
    attributes: MovieAttributes
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        movie_id: int | str
        movie_id = self.movie_id

        title = self.title

        year: int | None
        year = self.year

        genres = self.genres

        imdb_id: int | None
        imdb_id = self.imdb_id

        tmdb_id: int | None
        tmdb_id = self.tmdb_id

        attributes = self.attributes.to_dict()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "movie_id": movie_id,
                "title": title,
                "year": year,
                "genres": genres,
                "imdb_id": imdb_id,
                "tmdb_id": tmdb_id,
                "attributes": attributes,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.movie_attributes import MovieAttributes  # noqa: PLC0415

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

        def _parse_imdb_id(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        imdb_id = _parse_imdb_id(d.pop("imdb_id"))

        def _parse_tmdb_id(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        tmdb_id = _parse_tmdb_id(d.pop("tmdb_id"))

        attributes = MovieAttributes.from_dict(d.pop("attributes"))

        movie = cls(
            movie_id=movie_id,
            title=title,
            year=year,
            genres=genres,
            imdb_id=imdb_id,
            tmdb_id=tmdb_id,
            attributes=attributes,
        )

        movie.additional_properties = d
        return movie

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

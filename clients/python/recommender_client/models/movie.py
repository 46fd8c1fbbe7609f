from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

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
        withdrawn (bool | Unset): True where no list has the movie until it returns; left out otherwise Default: False.
        available_from (datetime.datetime | None | Unset): Lists have it from this moment on; left out where there is
            none
        available_until (datetime.datetime | None | Unset): Lists have it until before this moment; left out where there
            is none
    """

    movie_id: int | str
    title: str
    year: int | None
    genres: list[str]
    imdb_id: int | None
    tmdb_id: int | None
    attributes: MovieAttributes
    withdrawn: bool | Unset = False
    available_from: datetime.datetime | None | Unset = UNSET
    available_until: datetime.datetime | None | Unset = UNSET
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

        withdrawn = self.withdrawn

        available_from: None | str | Unset
        if isinstance(self.available_from, Unset):
            available_from = UNSET
        elif isinstance(self.available_from, datetime.datetime):
            available_from = self.available_from.isoformat()
        else:
            available_from = self.available_from

        available_until: None | str | Unset
        if isinstance(self.available_until, Unset):
            available_until = UNSET
        elif isinstance(self.available_until, datetime.datetime):
            available_until = self.available_until.isoformat()
        else:
            available_until = self.available_until

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
        if withdrawn is not UNSET:
            field_dict["withdrawn"] = withdrawn
        if available_from is not UNSET:
            field_dict["available_from"] = available_from
        if available_until is not UNSET:
            field_dict["available_until"] = available_until

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

        withdrawn = d.pop("withdrawn", UNSET)

        def _parse_available_from(data: object) -> datetime.datetime | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                available_from_type_0 = datetime.datetime.fromisoformat(data)

                return available_from_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None | Unset, data)

        available_from = _parse_available_from(d.pop("available_from", UNSET))

        def _parse_available_until(data: object) -> datetime.datetime | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                available_until_type_0 = datetime.datetime.fromisoformat(data)

                return available_until_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None | Unset, data)

        available_until = _parse_available_until(d.pop("available_until", UNSET))

        movie = cls(
            movie_id=movie_id,
            title=title,
            year=year,
            genres=genres,
            imdb_id=imdb_id,
            tmdb_id=tmdb_id,
            attributes=attributes,
            withdrawn=withdrawn,
            available_from=available_from,
            available_until=available_until,
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

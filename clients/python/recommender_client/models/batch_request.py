from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define

from ..models.batch_request_mode import BatchRequestMode, check_batch_request_mode
from ..types import UNSET, Unset

T = TypeVar("T", bound="BatchRequest")


@_attrs_define
class BatchRequest:
    """Users, and the options of their lists.

    Attributes:
        users (list[str]):
        genre (list[str] | Unset): Only movies of any of these; may be repeated
        exclude_genre (list[str] | Unset): No movie of any of these; may be repeated
        year_from (int | Unset): Only movies of this year or later
        year_to (int | Unset): Only movies of this year or earlier
        exclude (list[int | str] | Unset): None of these movies; may be repeated
        min_ratings (int | Unset): Only movies with at least so many ratings Default: 0.
        attribute (list[str] | Unset): Only movies with this text or tag, `studio:Ghibli`, or with a number in this
            range, `price:10..20`, `price:..20` or `price:10..`; repeated, all must hold
        limit (int | Unset): Movies per page Default: 20.
        mode (BatchRequestMode | Unset): `sample` ranks by one Gibbs sample of what the user may like now Default:
            'rank'.
        seed (int | Unset): For `sample`: the same seed gives the same list; random by default
        diversity (float | Unset): 0: best first; 1: as diverse as possible Default: 0.0.
        explain (int | Unset): Reasons per movie; 0 is faster Default: 3.
        scenario (str | Unset): Whose rules the list follows, beside the filters of the request
    """

    users: list[str]
    genre: list[str] | Unset = UNSET
    exclude_genre: list[str] | Unset = UNSET
    year_from: int | Unset = UNSET
    year_to: int | Unset = UNSET
    exclude: list[int | str] | Unset = UNSET
    min_ratings: int | Unset = 0
    attribute: list[str] | Unset = UNSET
    limit: int | Unset = 20
    mode: BatchRequestMode | Unset = "rank"
    seed: int | Unset = UNSET
    diversity: float | Unset = 0.0
    explain: int | Unset = 3
    scenario: str | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        users = self.users

        genre: list[str] | Unset = UNSET
        if not isinstance(self.genre, Unset):
            genre = self.genre

        exclude_genre: list[str] | Unset = UNSET
        if not isinstance(self.exclude_genre, Unset):
            exclude_genre = self.exclude_genre

        year_from = self.year_from

        year_to = self.year_to

        exclude: list[int | str] | Unset = UNSET
        if not isinstance(self.exclude, Unset):
            exclude = []
            for exclude_item_data in self.exclude:
                exclude_item: int | str
                exclude_item = exclude_item_data
                exclude.append(exclude_item)

        min_ratings = self.min_ratings

        attribute: list[str] | Unset = UNSET
        if not isinstance(self.attribute, Unset):
            attribute = self.attribute

        limit = self.limit

        mode: str | Unset = UNSET
        if not isinstance(self.mode, Unset):
            mode = self.mode

        seed = self.seed

        diversity = self.diversity

        explain = self.explain

        scenario = self.scenario

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "users": users,
            }
        )
        if genre is not UNSET:
            field_dict["genre"] = genre
        if exclude_genre is not UNSET:
            field_dict["exclude_genre"] = exclude_genre
        if year_from is not UNSET:
            field_dict["year_from"] = year_from
        if year_to is not UNSET:
            field_dict["year_to"] = year_to
        if exclude is not UNSET:
            field_dict["exclude"] = exclude
        if min_ratings is not UNSET:
            field_dict["min_ratings"] = min_ratings
        if attribute is not UNSET:
            field_dict["attribute"] = attribute
        if limit is not UNSET:
            field_dict["limit"] = limit
        if mode is not UNSET:
            field_dict["mode"] = mode
        if seed is not UNSET:
            field_dict["seed"] = seed
        if diversity is not UNSET:
            field_dict["diversity"] = diversity
        if explain is not UNSET:
            field_dict["explain"] = explain
        if scenario is not UNSET:
            field_dict["scenario"] = scenario

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        users = cast(list[str], d.pop("users"))

        genre = cast(list[str], d.pop("genre", UNSET))

        exclude_genre = cast(list[str], d.pop("exclude_genre", UNSET))

        year_from = d.pop("year_from", UNSET)

        year_to = d.pop("year_to", UNSET)

        _exclude = d.pop("exclude", UNSET)
        exclude: list[int | str] | Unset = UNSET
        if _exclude is not UNSET:
            exclude = []
            for exclude_item_data in _exclude:

                def _parse_exclude_item(data: object) -> int | str:
                    return cast(int | str, data)

                exclude_item = _parse_exclude_item(exclude_item_data)

                exclude.append(exclude_item)

        min_ratings = d.pop("min_ratings", UNSET)

        attribute = cast(list[str], d.pop("attribute", UNSET))

        limit = d.pop("limit", UNSET)

        _mode = d.pop("mode", UNSET)
        mode: BatchRequestMode | Unset
        if isinstance(_mode, Unset):
            mode = UNSET
        else:
            mode = check_batch_request_mode(_mode)

        seed = d.pop("seed", UNSET)

        diversity = d.pop("diversity", UNSET)

        explain = d.pop("explain", UNSET)

        scenario = d.pop("scenario", UNSET)

        batch_request = cls(
            users=users,
            genre=genre,
            exclude_genre=exclude_genre,
            year_from=year_from,
            year_to=year_to,
            exclude=exclude,
            min_ratings=min_ratings,
            attribute=attribute,
            limit=limit,
            mode=mode,
            seed=seed,
            diversity=diversity,
            explain=explain,
            scenario=scenario,
        )

        return batch_request

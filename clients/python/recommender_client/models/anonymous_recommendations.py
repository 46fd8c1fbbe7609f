from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.reason import Reason, check_reason
from ..models.source import Source, check_source
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.draw import Draw
    from ..models.recommended_movie import RecommendedMovie


T = TypeVar("T", bound="AnonymousRecommendations")


@_attrs_define
class AnonymousRecommendations:
    """Movies for the ratings in the request.

    Attributes:
        user (None | str): Null where the ratings came with the request
        recommendation_id (str): What `POST /feedback` about the list refers to
        model (None | str): Version that is served; null before the first
        source (Source): The source of a list, or of a movie in it.
        reason (None | Reason): Why the list is not personal; null when it is, or need not be
        seed (int | None): Seed of a sampled list; null of any other
        items (list[RecommendedMovie]):
        next_ (None | str): Cursor of the next page; null at the end
        ignored (list[int | str]): Movies in the request that do not exist
        scenario (None | str | Unset): That was asked for; left out without one
        experiment (None | str | Unset): That the user takes part in; left out where in none
        arm (None | str | Unset): Of the experiment, that answers
        draw (Draw | None | Unset): Of a personal sampled list, how it differs from the ranked one; left out of any
            other
        ignored_genres (list[str] | Unset): Genres of the filters that no movie has, so that they were ignored; left out
            where there is none
    """

    user: None | str
    recommendation_id: str
    model: None | str
    source: Source
    reason: None | Reason
    seed: int | None
    items: list[RecommendedMovie]
    next_: None | str
    ignored: list[int | str]
    scenario: None | str | Unset = UNSET
    experiment: None | str | Unset = UNSET
    arm: None | str | Unset = UNSET
    draw: Draw | None | Unset = UNSET
    ignored_genres: list[str] | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.draw import Draw  # noqa: PLC0415

        user: None | str
        user = self.user

        recommendation_id = self.recommendation_id

        model: None | str
        model = self.model

        source: str = self.source

        reason: None | str
        if isinstance(self.reason, str):
            reason = self.reason
        else:
            reason = self.reason

        seed: int | None
        seed = self.seed

        items = []
        for items_item_data in self.items:
            items_item = items_item_data.to_dict()
            items.append(items_item)

        next_: None | str
        next_ = self.next_

        ignored = []
        for ignored_item_data in self.ignored:
            ignored_item: int | str
            ignored_item = ignored_item_data
            ignored.append(ignored_item)

        scenario: None | str | Unset
        if isinstance(self.scenario, Unset):
            scenario = UNSET
        else:
            scenario = self.scenario

        experiment: None | str | Unset
        if isinstance(self.experiment, Unset):
            experiment = UNSET
        else:
            experiment = self.experiment

        arm: None | str | Unset
        if isinstance(self.arm, Unset):
            arm = UNSET
        else:
            arm = self.arm

        draw: dict[str, Any] | None | Unset
        if isinstance(self.draw, Unset):
            draw = UNSET
        elif isinstance(self.draw, Draw):
            draw = self.draw.to_dict()
        else:
            draw = self.draw

        ignored_genres: list[str] | Unset = UNSET
        if not isinstance(self.ignored_genres, Unset):
            ignored_genres = self.ignored_genres

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "user": user,
                "recommendation_id": recommendation_id,
                "model": model,
                "source": source,
                "reason": reason,
                "seed": seed,
                "items": items,
                "next": next_,
                "ignored": ignored,
            }
        )
        if scenario is not UNSET:
            field_dict["scenario"] = scenario
        if experiment is not UNSET:
            field_dict["experiment"] = experiment
        if arm is not UNSET:
            field_dict["arm"] = arm
        if draw is not UNSET:
            field_dict["draw"] = draw
        if ignored_genres is not UNSET:
            field_dict["ignored_genres"] = ignored_genres

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.draw import Draw  # noqa: PLC0415
        from ..models.recommended_movie import RecommendedMovie  # noqa: PLC0415

        d = dict(src_dict)

        def _parse_user(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        user = _parse_user(d.pop("user"))

        recommendation_id = d.pop("recommendation_id")

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

        def _parse_seed(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        seed = _parse_seed(d.pop("seed"))

        items = []
        _items = d.pop("items")
        for items_item_data in _items:
            items_item = RecommendedMovie.from_dict(items_item_data)

            items.append(items_item)

        def _parse_next_(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        next_ = _parse_next_(d.pop("next"))

        ignored = []
        _ignored = d.pop("ignored")
        for ignored_item_data in _ignored:

            def _parse_ignored_item(data: object) -> int | str:
                return cast(int | str, data)

            ignored_item = _parse_ignored_item(ignored_item_data)

            ignored.append(ignored_item)

        def _parse_scenario(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        scenario = _parse_scenario(d.pop("scenario", UNSET))

        def _parse_experiment(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        experiment = _parse_experiment(d.pop("experiment", UNSET))

        def _parse_arm(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        arm = _parse_arm(d.pop("arm", UNSET))

        def _parse_draw(data: object) -> Draw | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                draw_type_0 = Draw.from_dict(data)

                return draw_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(Draw | None | Unset, data)

        draw = _parse_draw(d.pop("draw", UNSET))

        ignored_genres = cast(list[str], d.pop("ignored_genres", UNSET))

        anonymous_recommendations = cls(
            user=user,
            recommendation_id=recommendation_id,
            model=model,
            source=source,
            reason=reason,
            seed=seed,
            items=items,
            next_=next_,
            ignored=ignored,
            scenario=scenario,
            experiment=experiment,
            arm=arm,
            draw=draw,
            ignored_genres=ignored_genres,
        )

        anonymous_recommendations.additional_properties = d
        return anonymous_recommendations

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

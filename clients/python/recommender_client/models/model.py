from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.card import Card


T = TypeVar("T", bound="Model")


@_attrs_define
class Model:
    """A model with its card.

    Attributes:
        version (str):
        active (bool): It is the one that is served
        previous (bool): It is the one that a rollback would serve
        state (str): `published`, or `refused` by the gate
        refused_because (list[str]): Why the gate refused it
        created_at (datetime.datetime): When it was published, refused or imported here
        dataset (None | str): What it was trained on
        trained_here (bool): It was trained on this database, and so on none of its gate users; a model from elsewhere
            may have been trained on any of them
        ndcg_at_100 (float | None): On users that were not trained on
        popularity_ndcg_at_100 (float | None): The same, of popularity
        card (Card):
    """

    version: str
    active: bool
    previous: bool
    state: str
    refused_because: list[str]
    created_at: datetime.datetime
    dataset: None | str
    trained_here: bool
    ndcg_at_100: float | None
    popularity_ndcg_at_100: float | None
    card: Card
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        version = self.version

        active = self.active

        previous = self.previous

        state = self.state

        refused_because = self.refused_because

        created_at = self.created_at.isoformat()

        dataset: None | str
        dataset = self.dataset

        trained_here = self.trained_here

        ndcg_at_100: float | None
        ndcg_at_100 = self.ndcg_at_100

        popularity_ndcg_at_100: float | None
        popularity_ndcg_at_100 = self.popularity_ndcg_at_100

        card = self.card.to_dict()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "version": version,
                "active": active,
                "previous": previous,
                "state": state,
                "refused_because": refused_because,
                "created_at": created_at,
                "dataset": dataset,
                "trained_here": trained_here,
                "ndcg_at_100": ndcg_at_100,
                "popularity_ndcg_at_100": popularity_ndcg_at_100,
                "card": card,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.card import Card  # noqa: PLC0415

        d = dict(src_dict)
        version = d.pop("version")

        active = d.pop("active")

        previous = d.pop("previous")

        state = d.pop("state")

        refused_because = cast(list[str], d.pop("refused_because"))

        created_at = datetime.datetime.fromisoformat(d.pop("created_at"))

        def _parse_dataset(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        dataset = _parse_dataset(d.pop("dataset"))

        trained_here = d.pop("trained_here")

        def _parse_ndcg_at_100(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        ndcg_at_100 = _parse_ndcg_at_100(d.pop("ndcg_at_100"))

        def _parse_popularity_ndcg_at_100(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        popularity_ndcg_at_100 = _parse_popularity_ndcg_at_100(d.pop("popularity_ndcg_at_100"))

        card = Card.from_dict(d.pop("card"))

        model = cls(
            version=version,
            active=active,
            previous=previous,
            state=state,
            refused_because=refused_because,
            created_at=created_at,
            dataset=dataset,
            trained_here=trained_here,
            ndcg_at_100=ndcg_at_100,
            popularity_ndcg_at_100=popularity_ndcg_at_100,
            card=card,
        )

        model.additional_properties = d
        return model

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

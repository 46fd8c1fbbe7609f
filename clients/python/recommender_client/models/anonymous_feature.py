from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.because import Because
    from ..models.feature_genre import FeatureGenre
    from ..models.feature_movie import FeatureMovie
    from ..models.received_weight import ReceivedWeight
    from ..models.sent_weight import SentWeight


T = TypeVar("T", bound="AnonymousFeature")


@_attrs_define
class AnonymousFeature:
    """A feature with its links: up from the ratings, and down to other movies.

    Attributes:
        unit (int): Number of the unit in the model
        name (str): The titles of the two movies whose likes tell most about it, shortened; it is no category
        importance (float): Variance of the input of the unit between users
        genres (list[FeatureGenre]): Up to three, by falling lift
        on (list[FeatureMovie]): Movies whose likes switch it on
        off (list[FeatureMovie]): Movies whose likes switch it off
        activation (float): Probability that it is on, given the ratings
        baseline (float): The same without ratings
        because (list[Because]): Ratings that switch it on; effect: log-odds that each adds, which do add up
        received (list[ReceivedWeight]): From up to 20 ratings, strongest first
        sent (list[SentWeight]): To those of `towards` that the model knows
    """

    unit: int
    name: str
    importance: float
    genres: list[FeatureGenre]
    on: list[FeatureMovie]
    off: list[FeatureMovie]
    activation: float
    baseline: float
    because: list[Because]
    received: list[ReceivedWeight]
    sent: list[SentWeight]
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        unit = self.unit

        name = self.name

        importance = self.importance

        genres = []
        for genres_item_data in self.genres:
            genres_item = genres_item_data.to_dict()
            genres.append(genres_item)

        on = []
        for on_item_data in self.on:
            on_item = on_item_data.to_dict()
            on.append(on_item)

        off = []
        for off_item_data in self.off:
            off_item = off_item_data.to_dict()
            off.append(off_item)

        activation = self.activation

        baseline = self.baseline

        because = []
        for because_item_data in self.because:
            because_item = because_item_data.to_dict()
            because.append(because_item)

        received = []
        for received_item_data in self.received:
            received_item = received_item_data.to_dict()
            received.append(received_item)

        sent = []
        for sent_item_data in self.sent:
            sent_item = sent_item_data.to_dict()
            sent.append(sent_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "unit": unit,
                "name": name,
                "importance": importance,
                "genres": genres,
                "on": on,
                "off": off,
                "activation": activation,
                "baseline": baseline,
                "because": because,
                "received": received,
                "sent": sent,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.because import Because  # noqa: PLC0415
        from ..models.feature_genre import FeatureGenre  # noqa: PLC0415
        from ..models.feature_movie import FeatureMovie  # noqa: PLC0415
        from ..models.received_weight import ReceivedWeight  # noqa: PLC0415
        from ..models.sent_weight import SentWeight  # noqa: PLC0415

        d = dict(src_dict)
        unit = d.pop("unit")

        name = d.pop("name")

        importance = d.pop("importance")

        genres = []
        _genres = d.pop("genres")
        for genres_item_data in _genres:
            genres_item = FeatureGenre.from_dict(genres_item_data)

            genres.append(genres_item)

        on = []
        _on = d.pop("on")
        for on_item_data in _on:
            on_item = FeatureMovie.from_dict(on_item_data)

            on.append(on_item)

        off = []
        _off = d.pop("off")
        for off_item_data in _off:
            off_item = FeatureMovie.from_dict(off_item_data)

            off.append(off_item)

        activation = d.pop("activation")

        baseline = d.pop("baseline")

        because = []
        _because = d.pop("because")
        for because_item_data in _because:
            because_item = Because.from_dict(because_item_data)

            because.append(because_item)

        received = []
        _received = d.pop("received")
        for received_item_data in _received:
            received_item = ReceivedWeight.from_dict(received_item_data)

            received.append(received_item)

        sent = []
        _sent = d.pop("sent")
        for sent_item_data in _sent:
            sent_item = SentWeight.from_dict(sent_item_data)

            sent.append(sent_item)

        anonymous_feature = cls(
            unit=unit,
            name=name,
            importance=importance,
            genres=genres,
            on=on,
            off=off,
            activation=activation,
            baseline=baseline,
            because=because,
            received=received,
            sent=sent,
        )

        anonymous_feature.additional_properties = d
        return anonymous_feature

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

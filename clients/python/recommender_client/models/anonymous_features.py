from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.feature_source import FeatureSource, check_feature_source
from ..models.reason import Reason, check_reason

if TYPE_CHECKING:
    from ..models.anonymous_feature import AnonymousFeature


T = TypeVar("T", bound="AnonymousFeatures")


@_attrs_define
class AnonymousFeatures:
    """The features that the ratings in the request switch on, by falling gain.

    Attributes:
        model (None | str): Version that is served; null before the first
        source (FeatureSource): Where features come from.
        reason (None | Reason): Why there are no features; null when there are
        items (list[AnonymousFeature]):
    """

    model: None | str
    source: FeatureSource
    reason: None | Reason
    items: list[AnonymousFeature]
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        model: None | str
        model = self.model

        source: str = self.source

        reason: None | str
        if isinstance(self.reason, str):
            reason = self.reason
        else:
            reason = self.reason

        items = []
        for items_item_data in self.items:
            items_item = items_item_data.to_dict()
            items.append(items_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "model": model,
                "source": source,
                "reason": reason,
                "items": items,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.anonymous_feature import AnonymousFeature  # noqa: PLC0415

        d = dict(src_dict)

        def _parse_model(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        model = _parse_model(d.pop("model"))

        source = check_feature_source(d.pop("source"))

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

        items = []
        _items = d.pop("items")
        for items_item_data in _items:
            items_item = AnonymousFeature.from_dict(items_item_data)

            items.append(items_item)

        anonymous_features = cls(
            model=model,
            source=source,
            reason=reason,
            items=items,
        )

        anonymous_features.additional_properties = d
        return anonymous_features

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

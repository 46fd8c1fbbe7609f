from typing import Literal

GetEventsKindItem = Literal[
    "clicked", "disliked", "hidden", "liked", "purchased", "rated", "seen", "watched"
]

GET_EVENTS_KIND_ITEM_VALUES: set[GetEventsKindItem] = {
    "clicked",
    "disliked",
    "hidden",
    "liked",
    "purchased",
    "rated",
    "seen",
    "watched",
}


def check_get_events_kind_item(value: str) -> GetEventsKindItem:
    if value in GET_EVENTS_KIND_ITEM_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {GET_EVENTS_KIND_ITEM_VALUES!r}")

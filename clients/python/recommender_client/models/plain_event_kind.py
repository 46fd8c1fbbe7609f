from typing import Literal

PlainEventKind = Literal["clicked", "disliked", "hidden", "liked", "purchased", "seen"]

PLAIN_EVENT_KIND_VALUES: set[PlainEventKind] = {
    "clicked",
    "disliked",
    "hidden",
    "liked",
    "purchased",
    "seen",
}


def check_plain_event_kind(value: str) -> PlainEventKind:
    if value in PLAIN_EVENT_KIND_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {PLAIN_EVENT_KIND_VALUES!r}")

"""Filters by the attributes of movies: `studio:Ghibli`, or numbers in a range, `price:10..20`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from math import inf
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from data.rules import shown

_NUMBER = r"-?\d{1,15}(?:\.\d{1,15})?"
_RANGE = re.compile(rf"({_NUMBER})?\.\.({_NUMBER})?", re.ASCII)
_ONE = re.compile(_NUMBER, re.ASCII)


class AttributeFilter(NamedTuple):
    """Only movies with this text or tag, whatever its case, or a number from `low` to `high`."""

    name: str
    text: str
    low: float = inf
    high: float = -inf

    @classmethod
    def parse(cls, written: str) -> AttributeFilter:
        """Read a filter as clients write it; raises `ValueError`."""
        name, _, value = written.partition(":")
        if not name or not value:
            raise ValueError(f"{shown(written)} is no filter: write name:text or name:10..20")
        text = value.casefold()
        if _ONE.fullmatch(value):
            return cls(name, text, float(value), float(value))
        ends = _RANGE.fullmatch(value)
        if ends is None:
            return cls(name, text)
        low, high = float(ends[1] or -inf), float(ends[2] or inf)
        if value == ".." or low > high:
            raise ValueError(f"{shown(written)} is no filter: the range is empty")
        return cls(name, text, low, high)


class Attribute(NamedTuple):
    """The values of one attribute, with the positions of their movies."""

    texts: Mapping[str, Sequence[int]]  # by case-folded text or tag
    numbers: NDArray[np.float64]
    numbered: NDArray[np.int64]  # the position of each number


class AttributeIndex:
    """The attributes of all movies by their positions; one is indexed when it is first asked for.

    Two threads may both index it; either result will do.
    """

    def __init__(self, movies: Sequence[Mapping[str, Any]]) -> None:
        self._movies = movies
        self._names = {name for attributes in movies if attributes for name in attributes}
        self._indexed: dict[str, Attribute] = {}

    def mask(self, wanted: AttributeFilter) -> NDArray[np.bool_] | None:
        """Tell which movies a filter lets through; None if no movie has such an attribute."""
        attribute = self._attribute(wanted.name)
        if attribute is None:
            return None
        fit = np.zeros(len(self._movies), dtype=np.bool_)
        fit[list(attribute.texts.get(wanted.text, ()))] = True
        numbers = attribute.numbers
        fit[attribute.numbered[(numbers >= wanted.low) & (numbers <= wanted.high)]] = True
        return fit

    def _attribute(self, name: str) -> Attribute | None:
        if name not in self._names:
            return None
        if name not in self._indexed:
            self._indexed[name] = _index(list(self._values(name)))
        return self._indexed[name]

    def _values(self, name: str) -> Iterator[tuple[int, Any]]:
        for position, attributes in enumerate(self._movies):
            if name in attributes:
                yield position, attributes[name]


def _index(values: Sequence[tuple[int, Any]]) -> Attribute:
    texts: dict[str, list[int]] = {}
    numbers: list[tuple[int, float]] = []
    for position, value in values:
        if isinstance(value, int | float):
            numbers.append((position, float(value)))
            continue
        for text in [value] if isinstance(value, str) else value:
            texts.setdefault(text.casefold(), []).append(position)
    return Attribute(
        texts,
        np.array([number for _, number in numbers], dtype=np.float64),
        np.array([position for position, _ in numbers], dtype=np.int64),
    )

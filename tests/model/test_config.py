"""Defaults that follow the size of the data."""

from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from data import Interactions
from model.config import Config


def users(n: int) -> Interactions:
    """One like for each of n users."""
    return Interactions.from_arrays(np.arange(n), np.zeros(n, dtype=int), np.ones(n, dtype=bool))


def test_few_people_get_the_defaults_of_the_fields() -> None:
    assert Config.for_data(users(500)) == Config()
    assert Config.for_data(users(3)) == Config()


def test_beyond_five_thousand_people_the_defaults_stay() -> None:
    assert Config.for_data(users(5_000)) == Config.for_data(users(20_000)) != Config()


def test_between_the_sizes_every_default_lies_between_those_of_the_two() -> None:
    small, middle, large = (Config.for_data(users(n)).model_dump() for n in (500, 1_500, 5_000))
    for name, value in middle.items():
        if value is None:  # chosen after training
            continue
        low, high = sorted((small[name], large[name]))
        assert low <= value <= high, name
        assert low == high or low < value < high, name


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("n_hidden", 0),
        ("n_epochs", 0),
        ("batch_size", 0),
        ("cd_steps", 0),
        ("learning_rate_weights", 0.0),
        ("learning_rate_visible", float("nan")),
        ("learning_rate_hidden", float("inf")),
        ("momentum", 1.0),
        ("l2", -0.1),
        ("l2", float("nan")),
        ("averaged_share", 1.1),
        ("dislike_weight", 0.0),
        ("dislike_weight", float("nan")),
        ("unknown", 1),
    ],
)
def test_an_impossible_setting_is_refused_by_name(name: str, value: Any) -> None:
    with pytest.raises(ValidationError, match=name):
        Config(**{name: value})

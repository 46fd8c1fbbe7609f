"""A key has one form and one id, whoever computes it."""

import numpy as np
import pytest

from data.movie_keys import movie_id, movie_ids, movie_key, public_key, stored_key
from data.rules import MAX_MOVIE_ID


@pytest.mark.parametrize("number", [1, 42, MAX_MOVIE_ID])
def test_a_whole_number_is_its_own_id(number: int) -> None:
    assert movie_key(number) == movie_key(str(number)) == number
    assert movie_id(number) == number
    assert stored_key(number) is None
    assert public_key(number, None) == number


TEXTS = ["007", "0", "-1", "1e3", "42.0", "42x", str(MAX_MOVIE_ID + 1), "жук", "a/b", "😀"]


@pytest.mark.parametrize("text", [*TEXTS, "x" * 200])
def test_any_other_text_has_a_negative_id(text: str) -> None:
    assert movie_key(text) == text
    assert -(2**61) <= movie_id(text) < 0
    assert public_key(movie_id(text), stored_key(text)) == text


def test_the_id_of_a_text_is_the_same_everywhere_and_for_ever() -> None:
    """Models and back-ups hold it."""
    assert movie_id("sku-18") == -68401557936203525
    assert movie_id("жук") == -714514290214966124


def test_ids_of_many_are_those_of_each_and_differ() -> None:
    keys = [*range(1, 100), *(f"sku-{i}" for i in range(10_000))]
    ids = movie_ids(keys)
    assert ids.dtype == np.int64
    assert ids.tolist() == [movie_id(key) for key in keys]
    assert len(np.unique(ids)) == len(keys)
    assert (2 * ids + 1 >> 1 == ids).all()  # twice an id, plus one, does not overflow


@pytest.mark.parametrize(
    "wrong", [0, -1, MAX_MOVIE_ID + 1, "", ".", "..", " a", "a ", "a\nb", "search", "x" * 201]
)
def test_what_is_no_key_is_named(wrong: int | str) -> None:
    with pytest.raises(ValueError, match="is no movie key"):
        movie_key(wrong)

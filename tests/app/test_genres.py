"""The genres of a catalogue."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.live.genres import Genres
from app.live.movie_orders import MovieOrders
from app.movies import lists
from app.movies.lists import MovieLists
from tests.app.test_title_search import INDEX

NAMES = st.sampled_from(["Drama", "drama", "War", "Sci-Fi", "Film-Noir"])


@given(st.lists(st.lists(NAMES, max_size=3).map(tuple), max_size=12))
def test_masks_and_counts_are_those_of_the_movies(of_movies: list[tuple[str, ...]]) -> None:
    genres = Genres(of_movies, len(of_movies))
    folded = [{name.casefold() for name in names} for names in of_movies]
    assert set(genres) == set().union(*folded)
    for position, names in enumerate(folded):
        assert set(genres.of(position)) == names
    some = np.arange(len(of_movies)) % 2 == 0
    for name, mask in genres.items():
        assert mask.tolist() == [name in names for names in folded]
        assert genres.counts(some)[name] == sum(mask[some])
        assert genres.written[name].casefold() == name
    assert "western" not in genres
    with pytest.raises(KeyError):
        genres["western"]


def test_the_state_differs_with_the_genres_of_any_movie() -> None:
    states = [Genres(each, 2).state for each in ([("War",), ()], [(), ("War",)], [("Drama",), ()])]
    assert len(set(states)) == 3
    assert Genres([("War",), ()], 2).state == states[0]


@pytest.mark.parametrize(("many", "n_sorted"), [(len(INDEX.movies), 1), (10**6, 0)])
def test_many_movies_are_sorted_once_before_a_request_needs_it(
    many: int, n_sorted: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = []
    original = MovieOrders.of

    def of(movies: Any) -> MovieOrders:
        done.append(movies)
        return original(movies)

    monkeypatch.setattr(lists, "MovieOrders", SimpleNamespace(of=of))
    monkeypatch.setattr(lists, "MANY", many)
    catalogue = SimpleNamespace(movies=INDEX.movies)
    snapshot = SimpleNamespace(catalogue=catalogue)
    current = SimpleNamespace(generation=lambda: 1, snapshot=snapshot)
    served = MovieLists(current)  # type: ignore[arg-type]
    served.prepare_many()
    assert len(done) == n_sorted
    catalogue.movies = dict(INDEX.movies)  # equal ones
    served.prepare_many()
    assert len(done) == n_sorted

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data import Interactions
from data.interactions import InvalidInteractionsError
from data.movie_keys import movie_id

ratings = st.dictionaries(
    st.tuples(st.integers(1, 12), st.integers(1, 15)), st.booleans(), min_size=1, max_size=80
)


def build(entries: dict[tuple[int, int], bool], **options: object) -> Interactions:
    users, movies = zip(*entries, strict=True)
    return Interactions.from_arrays(users, movies, list(entries.values()), **options)  # type: ignore[arg-type]


def contents(interactions: Interactions) -> dict[tuple[int, int], bool]:
    users = interactions.user_keys[interactions.user_rows]
    movies = interactions.movie_ids[interactions.movie_rows]
    return {
        (int(u), int(m)): bool(liked)
        for u, m, liked in zip(users, movies, interactions.liked, strict=True)
    }


@given(ratings)
def test_every_rating_is_kept_under_its_user_and_movie(entries: dict) -> None:
    assert contents(build(entries)) == entries


def test_vocabularies_are_in_the_order_of_first_appearance() -> None:
    interactions = Interactions.from_arrays(["b", "a", "b"], [9, 9, 3], [1, 0, 1])
    assert interactions.user_keys.tolist() == ["b", "a"]
    assert interactions.movie_ids.tolist() == [9, 3]


def test_given_movie_ids_are_the_columns_rated_or_not() -> None:
    interactions = Interactions.from_arrays([1], [5], [True], movie_ids=[7, 5, 6])
    assert interactions.n_movies == 3
    assert interactions.user(0)[0].tolist() == [1]


@given(ratings)
def test_movies_of_a_user_are_ascending(entries: dict) -> None:
    interactions = build(entries)
    for row in range(interactions.n_users):
        assert (np.diff(interactions.user(row)[0]) > 0).all()


@given(ratings)
def test_counts_agree_with_counting(entries: dict) -> None:
    interactions = build(entries)
    likes, dislikes = interactions.movie_counts()
    for row, movie in enumerate(interactions.movie_ids):
        assert likes[row] == sum(liked for (_, m), liked in entries.items() if m == movie)
        assert dislikes[row] == sum(not liked for (_, m), liked in entries.items() if m == movie)
    for row, user in enumerate(interactions.user_keys):
        own = [liked for (u, _), liked in entries.items() if u == user]
        assert interactions.ratings_per_user[row] == len(own)
        assert interactions.likes_per_user[row] == sum(own)


@given(ratings, st.data())
def test_selecting_users_keeps_exactly_their_ratings(entries: dict, data: st.DataObject) -> None:
    interactions = build(entries)
    rows = data.draw(st.lists(st.integers(0, interactions.n_users - 1), unique=True))
    chosen = interactions.select_users(rows)
    keys = set(interactions.user_keys[rows].tolist())
    assert chosen.user_keys.tolist() == interactions.user_keys[rows].tolist()
    assert contents(chosen) == {k: v for k, v in entries.items() if k[0] in keys}


@given(ratings, st.data())
def test_selecting_ratings_keeps_users_and_movies(entries: dict, data: st.DataObject) -> None:
    interactions = build(entries)
    n = interactions.n_ratings
    keep = np.array(data.draw(st.lists(st.booleans(), min_size=n, max_size=n)))
    kept, rest = interactions.select_ratings(keep), interactions.select_ratings(~keep)
    assert kept.n_users == rest.n_users == interactions.n_users
    assert contents(kept) | contents(rest) == entries
    assert kept.n_ratings == keep.sum()


@given(ratings, st.permutations(range(1, 16)), st.integers(0, 15))
def test_other_movies_keep_the_ratings_of_those_among_them(
    entries: dict, order: list[int], n: int
) -> None:
    moved = build(entries).with_movies(np.array(order[:n], dtype=np.int64))
    assert moved.movie_ids.tolist() == order[:n]
    assert contents(moved) == {k: v for k, v in entries.items() if k[1] in order[:n]}
    for row in range(moved.n_users):
        assert (np.diff(moved.user(row)[0]) > 0).all()


def test_movies_without_ratings_can_be_dropped() -> None:
    interactions = Interactions.from_arrays([1], [5], [True], movie_ids=[7, 5, 6])
    assert interactions.rated_movies_only().movie_ids.tolist() == [5]


@pytest.mark.parametrize(
    ("users", "movies", "liked", "message"),
    [
        ([1, 1], [2, 2], [1, 0], "user .*1.* rates movie 2 twice"),
        ([1, 2], [2], [1], "differ in length: 2, 1, 1"),
        ([1], [2], [3], r"liked\[0\] is .*3"),
        ([1], [2], [float("nan")], r"liked\[0\] is .*nan"),
        ([1], [2.5], [1], "whole numbers"),
        ([1], [9], [1], r"movies\[0\] is 9, which is not in movie_ids"),
    ],
)
def test_bad_arrays_are_refused_with_value_and_place(
    users: list, movies: list, liked: list, message: str
) -> None:
    movie_ids = None if 9 not in movies else [2, 3]
    with pytest.raises(InvalidInteractionsError, match=message):
        Interactions.from_arrays(users, movies, liked, movie_ids=movie_ids)


def test_a_vocabulary_with_a_repeated_movie_is_refused() -> None:
    with pytest.raises(InvalidInteractionsError, match="same movie twice"):
        Interactions.from_arrays([1], [2], [1], movie_ids=[2, 2])


def test_a_data_frame_brings_users_and_movies_of_any_name() -> None:
    """Movies by their keys, texts or numbers."""
    frame = pd.DataFrame(
        {"customer": ["b", "a", "b"], "sku": ["x", "42", "y"], "score": [7, 3, 9.5]}
    )
    found = Interactions.from_frame(
        frame, user="customer", movie="sku", rating="score", like_threshold=7
    )
    assert found.user_keys.tolist() == ["b", "a"]
    assert found.movie_ids.tolist() == [movie_id("x"), 42, movie_id("y")]
    assert found.liked.tolist() == [True, True, False]
    numbered = pd.DataFrame({"user": [1, 1], "movie": [5, 2], "liked": [0, 1]})
    assert Interactions.from_frame(numbered).movie_ids.tolist() == [5, 2]


@pytest.mark.parametrize(
    ("change", "options", "complaint"),
    [
        ({}, {"user": "who"}, "no column 'who' among 'user', 'movie', 'liked'"),
        ({"user": ["a", None]}, {}, r"user\[1\] is missing"),
        ({"movie": ["a", ""]}, {}, "movie: '' is no movie key"),
        ({"movie": [1, -1]}, {}, "movie: '-1' is no movie key"),
        ({"movie": [1.0, 2.0]}, {}, "movie holds float64, neither whole numbers nor texts"),
        ({"movie": ["a", "a"]}, {}, "rates movie .* twice"),
        ({"liked": [2, 1]}, {}, "neither 0 nor 1"),
        ({"liked": ["5", "4"]}, {"rating": "liked", "like_threshold": 4}, "not numbers"),
        ({}, {"rating": "liked"}, "rating and like_threshold are given together"),
        ({}, {"rating": "liked", "liked": "liked", "like_threshold": 4}, "not both"),
    ],
)
def test_a_data_frame_with_a_fault_is_refused(
    change: dict[str, Any], options: dict[str, Any], complaint: str
) -> None:
    frame = pd.DataFrame({"user": ["a", "a"], "movie": ["x", "y"], "liked": [1, 0]} | change)
    with pytest.raises(ValueError, match=complaint):
        Interactions.from_frame(frame, **options)

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.interactions import Interactions
from model.features import describe_features, unit_name
from model.rbm import RBM, columns

MOVIE_IDS = np.array([50, 10, 30], dtype=np.int64)


def machine(
    W: object = None, *, a: object = None, n_hidden: int = 1, movie_ids: object = MOVIE_IDS
) -> RBM:
    ids = np.asarray(movie_ids, dtype=np.int64)
    weights = np.zeros((len(ids), 2, n_hidden)) if W is None else np.asarray(W)
    return RBM(
        W=weights.astype(np.float32),
        a=np.asarray(np.full((len(ids), 2), -1.0) if a is None else a, dtype=np.float32),
        b=np.zeros(weights.shape[2], dtype=np.float32),
        movie_ids=ids,
        mean_ratings=2.0,
    )


def liked_weights(*weights: float) -> np.ndarray:
    """W of one hidden unit with these weights of a like and none of a dislike."""
    W = np.zeros((len(weights), 2, 1))
    W[:, 0, 0] = weights
    return W


def test_movies_whose_likes_push_up_switch_on_and_those_that_push_down_switch_off() -> None:
    (feature,) = describe_features(machine(liked_weights(0.5, -2.0, 1.0)))
    assert [(movie.movie_id, movie.weight) for movie in feature.on] == [(30, 1.0), (50, 0.5)]
    assert [(movie.movie_id, movie.weight) for movie in feature.off] == [(10, -2.0)]


def test_a_movie_that_few_users_have_seen_gives_way_to_a_known_one() -> None:
    rare, known = -9.0, -1.0
    rbm = machine(liked_weights(1.0, 0.5, 0.0), a=[[rare, -1], [known, -1], [known, -1]])
    (feature,) = describe_features(rbm)
    assert [movie.movie_id for movie in feature.on] == [10, 50]


def test_no_more_movies_and_units_than_asked_for() -> None:
    W = np.random.default_rng(0).standard_normal((3, 2, 5))
    features = describe_features(machine(W), 1, n_units=2)
    assert [(len(feature.on) <= 1, len(feature.off) <= 1) for feature in features] == [
        (True,) * 2
    ] * 2
    assert all(not feature.on and not feature.off for feature in describe_features(machine(W), 0))


def test_equal_movies_come_by_movie_id_and_equal_units_by_their_position() -> None:
    W = np.ones((3, 2, 4))
    features = describe_features(machine(W))
    assert [feature.unit for feature in features] == [0, 1, 2, 3]
    assert [movie.movie_id for movie in features[0].on] == [10, 30, 50]


@given(st.integers(0, 10_000))
def test_importance_is_the_variance_of_the_input_over_all_states_of_independent_movies(
    seed: int,
) -> None:
    rng = np.random.default_rng(seed)
    rbm = machine(rng.normal(size=(3, 2, 2)), a=rng.normal(size=(3, 2)))
    odds = np.concatenate((np.ones((3, 1)), np.exp(rbm.a)), axis=1)  # unseen, like, dislike
    p = odds / odds.sum(axis=1, keepdims=True)
    sent = np.concatenate((np.zeros((3, 1, 2)), rbm.W), axis=1)
    states = list(itertools.product(range(3), repeat=3))
    weight = np.array([np.prod([p[i, s] for i, s in enumerate(state)]) for state in states])
    inputs = np.array([sum(sent[i, s] for i, s in enumerate(state)) for state in states])
    mean = weight @ inputs
    expected = weight @ (inputs - mean) ** 2

    features = describe_features(rbm)

    by_unit = [f.importance for f in sorted(features, key=lambda f: f.unit)]
    np.testing.assert_allclose(by_unit, expected, rtol=1e-5)
    assert [f.importance for f in features] == sorted(by_unit, reverse=True)


def test_share_on_is_the_mean_hidden_probability_of_the_users_given() -> None:
    rbm = machine(np.random.default_rng(1).standard_normal((3, 2, 2)))
    users = Interactions.from_arrays(
        [1, 1, 2, 3], [50, 10, 30, 10], [True, False, True, True], movie_ids=MOVIE_IDS
    )
    V = np.zeros((3, 6), dtype=np.float32)
    V[users.user_rows, columns(users.movie_rows, users.liked)] = 1
    expected = rbm.hidden_probability(V).mean(axis=0)
    for feature in describe_features(rbm, interactions=users):
        assert feature.share_on == pytest.approx(expected[feature.unit], rel=1e-6)


def test_without_ratings_the_share_is_unknown() -> None:
    no_users = Interactions.from_arrays([], np.array([], dtype=np.int64), [], movie_ids=MOVIE_IDS)
    for features in (
        describe_features(machine(n_hidden=1)),
        describe_features(machine(n_hidden=1), interactions=no_users),
    ):
        assert [feature.share_on for feature in features] == [None]


def test_ratings_of_other_movies_are_refused() -> None:
    others = Interactions.from_arrays([1], [7], [True])
    with pytest.raises(ValueError, match="not those of the model"):
        describe_features(machine(), interactions=others)


def test_a_unit_as_json_names_its_movies_and_calls_an_unknown_one_by_its_id() -> None:
    (feature,) = describe_features(machine(liked_weights(0.5, -2.0, 1.0)))
    told = feature.as_json({30: ("Fight Club", 1999), 10: ("Unfinished", None)})
    assert told["unit"] == 0
    assert told["on"] == [
        {"movie_id": 30, "title": "Fight Club", "year": 1999, "weight": 1.0},
        {"movie_id": 50, "title": "Movie 50", "year": None, "weight": 0.5},
    ]
    assert told["off"] == [{"movie_id": 10, "title": "Unfinished", "year": None, "weight": -2.0}]


def test_a_unit_is_named_by_two_titles_without_brackets_and_cut_at_a_word() -> None:
    titles = ["Léon: The Professional (a.k.a. The Professional)", "Heat", "Big"]
    assert unit_name(titles) == "Léon: The Professional · Heat"
    long = "Dr. Strangelove or: How I Learned to Stop Worrying"
    assert unit_name([long]) == "Dr. Strangelove or: How I…"
    assert unit_name([]) == ""

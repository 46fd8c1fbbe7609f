"""Affinities by genres, for movies that the machine does not know."""

from dataclasses import replace

import numpy as np
import pytest

from model import affinity
from model.affinity import STRENGTH, Affinity, score_of
from model.fold_in import Given, fold_in
from model.rbm import LIKE, sigmoid
from tests.model.machines import random_rbm, with_everything

RBM = with_everything(3)
GENRES = [np.arange(0, 40, 2), np.arange(0, 40, 5), np.array([], dtype=np.int64)]
SETS = [(0,), (0, 1), (), (2,)]
GIVEN = Given(np.array([1, 4, 7, 20]), np.array([True, False, True, True]))


def test_a_set_has_the_mean_change_of_its_genres_weighed_by_popularity() -> None:
    assert RBM.prior is not None
    h = fold_in(RBM, GIVEN.movie_rows, GIVEN.liked)
    change = h - RBM.prior.average_hidden(RBM.b)
    shares = sigmoid(RBM.prior.popularity)
    means = [np.average(RBM.W[rows, LIKE], axis=0, weights=shares[rows]) for rows in GENRES[:2]]
    of_genres = [float(mean @ change) for mean in means]
    affinities = Affinity(RBM, GENRES, SETS).affinities(GIVEN)
    expected = [of_genres[0], sum(of_genres) / 2, 0.0, 0.0]
    np.testing.assert_allclose(affinities, STRENGTH * np.array(expected), rtol=1e-5, atol=1e-6)


def test_of_many_movies_of_a_genre_the_most_popular_count(monkeypatch: pytest.MonkeyPatch) -> None:
    assert RBM.prior is not None
    most = GENRES[0][np.argsort(-RBM.prior.popularity[GENRES[0]])[:6]]
    expected = Affinity(RBM, [most], [(0,)]).affinities(GIVEN)
    monkeypatch.setattr(affinity, "MAX_MOVIES", 6)
    np.testing.assert_allclose(
        Affinity(RBM, GENRES[:1], [(0,)]).affinities(GIVEN), expected, rtol=1e-5
    )


@pytest.mark.parametrize("weights", [None, np.array([1, 0.5, 0.25, 1], dtype=np.float32)])
def test_an_effect_is_the_difference_that_leaving_out_a_rating_makes(
    weights: np.ndarray | None,
) -> None:
    given, ours = GIVEN._replace(weights=weights), Affinity(RBM, GENRES, SETS)
    effects = ours.effects(given, np.array([1, 2]))
    for left_out in range(4):
        kept = np.arange(4) != left_out
        fewer = Given(
            given.movie_rows[kept], given.liked[kept], None if weights is None else weights[kept]
        )
        difference = (ours.affinities(given) - ours.affinities(fewer))[[1, 2]]
        np.testing.assert_allclose(effects[:, left_out], difference, rtol=1e-3, atol=1e-5)


def test_scores_rise_with_likes_and_affinity_and_are_probabilities_whatever_the_counts() -> None:
    scores = score_of(np.array([0, 0, 3, 3, 9]), 5, np.array([0, 1, 0, 1, 0], dtype=np.float32))
    assert scores.dtype == np.float32
    assert np.all((scores > 0) & (scores < 1))
    assert scores[0] < scores[1] < scores[3]
    assert scores[0] < scores[2] < scores[4]


def test_without_affinity_the_score_is_the_share_of_likes_smoothed_as_base_rates() -> None:
    np.testing.assert_allclose(score_of(np.array([8]), 94, np.zeros(1)), [10 / 100], rtol=1e-6)


def test_a_machine_without_a_prior_is_refused() -> None:
    with pytest.raises(ValueError, match="prior"):
        Affinity(replace(random_rbm(0), prior=None), GENRES, SETS)

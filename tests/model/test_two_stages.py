"""Two stages give the list of full scoring, or none."""

from dataclasses import replace

import numpy as np
import pytest

from model.coarse import coarse
from model.fold_in import Given
from model.scoring import rank, score_user
from model.two_stages import First, TwoStages
from tests.model.machines import draw_user, with_everything

N_MOVIES, LIMIT = 300, 10


@pytest.fixture(scope="module")
def stages() -> TwoStages:
    return TwoStages(with_everything(3, N_MOVIES))


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("boosted", [False, True])
def test_the_list_is_that_of_full_scoring(stages: TwoStages, weighted: bool, boosted: bool) -> None:
    rbm, rng, n_certain = stages.rbm, np.random.default_rng(1), 0
    shift = rng.normal(0, 0.5, N_MOVIES).astype(np.float32)
    boost = rng.normal(0, 1, N_MOVIES) if boosted else None
    for seed in range(40):
        rows, liked = draw_user(seed, 1 + 3 * seed, N_MOVIES)
        weights = rng.random(len(rows)).astype(np.float32) if weighted else None
        allowed = rng.random(N_MOVIES) < 0.8
        given = Given(rows, liked, weights)
        found = stages.first(given, allowed, LIMIT, like_shift=shift, boost=boost)
        if found is None:
            continue
        n_certain += 1
        like, given_seen = score_user(rbm, rows, liked, weights=weights, like_shift=shift)
        p = like.astype(np.float64)
        score = p if boost is None else 1 / (1 + (1 - p) / p * np.exp(-boost))
        hidden = ~allowed
        hidden[rows] = True
        first = rank(score, rbm.movie_ids, np.flatnonzero(hidden), LIMIT)
        assert found.rows.tolist() == first.tolist()
        np.testing.assert_allclose(found.score, score[first], atol=2e-6)
        np.testing.assert_allclose(found.like_given_seen, given_seen[first], atol=2e-6)
    assert n_certain > 35


def test_weights_that_were_rounded_before_are_used() -> None:
    rbm, given = with_everything(4, N_MOVIES), Given(*draw_user(1, 5, N_MOVIES))
    everything = np.ones(N_MOVIES, dtype=np.bool_)
    rounded = coarse(rbm.W)
    loose = replace(rounded, error=rounded.error + np.float32(3))  # bounds that tell nothing
    for given_rounded in (rounded, loose):
        found = TwoStages(replace(rbm, coarse=given_rounded)).first(given, everything, LIMIT)
        alone = TwoStages(rbm).first(given, everything, LIMIT)
        assert found is not None
        assert alone is not None
        assert found.rows.tolist() == alone.rows.tolist()


def test_equal_scores_are_not_certain() -> None:
    rbm = with_everything(4)
    assert rbm.prior is not None
    prior = rbm.prior.of_movies(np.repeat(np.arange(20), 2))
    twins = replace(rbm, W=np.repeat(rbm.W[:20], 2, axis=0), prior=prior, couplings=None)
    everything = np.ones(40, dtype=np.bool_)
    assert TwoStages(twins).first(Given(*draw_user(1, 4)), everything, 8) is None


def test_too_few_movies_are_not_a_list(stages: TwoStages) -> None:
    allowed = np.zeros(N_MOVIES, dtype=np.bool_)
    allowed[:5] = True
    assert stages.first(Given(np.array([9]), np.array([True])), allowed, 5) is not None
    assert stages.first(Given(np.array([0]), np.array([True])), allowed, 5) is None


def test_a_machine_without_a_prior_is_refused() -> None:
    with pytest.raises(ValueError, match="prior"):
        TwoStages(replace(with_everything(1), prior=None))


def test_scores_of_other_movies_are_not_made_up() -> None:
    score = np.array([0.9, 0.8], dtype=np.float32)
    first = First(np.array([7, 3]), score, score)
    found = first.scores_of(np.array([3]))
    assert found is not None
    assert found[0].tolist() == score[1:].tolist()
    assert first.scores_of(np.array([3, 4])) is None

from dataclasses import replace

import numpy as np
import pytest

from data import Interactions
from data.splitting import HeldOut
from model.baselines import Popularity, damped_like_share
from model.evaluation import LeakError, judge, ranking_hits, summarise


@pytest.fixture
def held_out() -> HeldOut:
    """Two users over five movies; user 1 hides likes of 11 and 12, user 2 a dislike and a like."""
    movie_ids = [10, 11, 12, 13, 14]
    given = Interactions.from_arrays([1, 2], [10, 14], [1, 1], movie_ids=movie_ids)
    hidden = Interactions.from_arrays(
        [1, 1, 2, 2], [11, 12, 10, 13], [1, 1, 0, 1], movie_ids=movie_ids
    )
    return HeldOut(given, hidden)


class Fixed:
    """Ranks the films in the order of their scores."""

    def __init__(self, scores: list[float]) -> None:
        self.scores = np.array(scores, dtype=np.float32)
        self.movie_ids = np.arange(10, 15)

    def score_user(self, movie_rows: np.ndarray, liked: np.ndarray) -> tuple[np.ndarray, ...]:
        return self.scores, self.scores


def test_given_movies_are_taken_out_and_hidden_likes_looked_for(held_out: HeldOut) -> None:
    # user 1, without 10: 11 12 13 14 -> both hits first; user 2, without 14: 10 11 12 13 -> last
    figures = judge(Fixed([5, 4, 3, 2, 1]), held_out)
    np.testing.assert_allclose(figures["ndcg@10"], [1.0, 1 / np.log2(5)])
    np.testing.assert_allclose(figures["recall@20"], [1.0, 1.0])


def test_a_hidden_dislike_is_no_hit(held_out: HeldOut) -> None:
    hits = ranking_hits(np.array([9.0, 0, 0, 0, 0]), np.array([4]), held_out.hidden, 1)
    assert not hits[0]


def test_what_is_given_and_hidden_at_once_is_caught(held_out: HeldOut) -> None:
    leaking = replace(held_out, given=held_out.hidden)
    with pytest.raises(LeakError, match="movie 11 is given and hidden"):
        judge(Fixed([5, 4, 3, 2, 1]), leaking)


def test_a_model_of_other_movies_is_refused(held_out: HeldOut) -> None:
    model = Fixed([5, 4, 3, 2, 1])
    model.movie_ids = np.arange(20, 25)
    with pytest.raises(ValueError, match="other movies"):
        judge(model, held_out)


def test_summary_gives_a_mean_and_an_error_for_every_metric(held_out: HeldOut) -> None:
    summary = summarise(judge(Fixed([5, 4, 3, 2, 1]), held_out))
    assert set(summary) == {"ndcg@10", "ndcg@100", "recall@20", "recall@50"}
    assert summary["ndcg@10"].mean == pytest.approx((1 + 1 / np.log2(5)) / 2)


def test_popularity_counts_likes_per_user() -> None:
    interactions = Interactions.from_arrays([1, 1, 2, 3], [7, 8, 7, 8], [1, 0, 1, 1])
    like, _ = Popularity.fit(interactions).score_user(np.array([]), np.array([]))
    np.testing.assert_allclose(like, [2 / 3, 1 / 3])


def test_share_of_likes_is_drawn_towards_the_mean_where_ratings_are_few() -> None:
    share = damped_like_share(np.array([300, 1, 0]), np.array([100, 0, 0]))
    mean = 301 / 401
    np.testing.assert_allclose(
        share, [(300 + 10 * mean) / 410, (1 + 10 * mean) / 11, mean], rtol=1e-6
    )

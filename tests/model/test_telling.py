from dataclasses import replace

import numpy as np
import pytest

from model import telling
from model.rbm import RBM
from model.scoring import score_user
from model.telling import telling_movies
from tests.model.machines import random_rbm, with_everything


def shares(rbm: RBM) -> np.ndarray:
    x = np.exp((rbm.a if rbm.prior is None else rbm.prior.rates).astype(np.float64))
    result: np.ndarray = x / (1 + x.sum(axis=1, keepdims=True))
    return result


def change(rbm: RBM, row: int, *, liked: bool) -> np.ndarray:
    """Return what an answer changes, of the list of a user, as the service scores it."""
    nothing = np.zeros(0, dtype=np.int64)
    before = score_user(rbm, nothing, nothing.astype(bool))[0].astype(np.float64)
    after: np.ndarray = score_user(rbm, np.array([row]), np.array([liked]))[0] - before
    return after


@pytest.mark.parametrize("rbm", [random_rbm(1), with_everything(2), random_rbm(3, classic=True)])
def test_the_first_movie_is_the_one_whose_answer_changes_lists_most(rbm: RBM) -> None:
    changes = [
        sum(
            q * (change(rbm, row, liked=state == 0) ** 2).sum()
            for state, q in enumerate(shares(rbm)[row])
        )
        for row in range(rbm.n_movies)
    ]
    assert telling_movies(rbm, 1).tolist() == [int(np.argmax(changes))]


def test_a_movie_that_says_the_same_as_one_before_comes_late() -> None:
    rbm = random_rbm(4)
    first = int(telling_movies(rbm, 1)[0])
    twin = int(first == 0)
    W, a = rbm.W.copy(), rbm.a.copy()
    W[twin], a[twin] = W[first], a[first]
    places = telling_movies(replace(rbm, W=W, a=a), 40).tolist()
    assert sorted(places) == list(range(40))
    earlier, later = sorted((places.index(first), places.index(twin)))
    assert earlier == 0
    # The twin waits until the others leave no direction that is new.
    assert later >= 15


def test_movies_that_tell_nothing_come_by_how_well_they_are_known() -> None:
    rbm = random_rbm(6, n_movies=9)
    order = telling_movies(replace(rbm, W=np.zeros_like(rbm.W)), 9).tolist()
    assert order == np.argsort(-shares(rbm).sum(axis=1)).tolist()


def test_only_well_known_movies_are_asked_about(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telling, "CANDIDATES", 5)
    rbm = with_everything(5)
    known = np.argsort(-shares(rbm).sum(axis=1))[:5]
    assert sorted(telling_movies(rbm, 40).tolist()) == sorted(known.tolist())

"""What may be served: the parameters of a machine with a prior and couplings."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from model.rbm import RBM
from model.sanity import insane_parameters
from tests.model.machines import random_rbm, with_everything


def changed(part: str, name: str, value: Any) -> RBM:
    """Set the first element of an array, or the whole value of a number."""
    rbm = with_everything(0)
    whole = getattr(rbm, part)
    array = getattr(whole, name)
    if isinstance(array, np.ndarray):
        array = array.copy()
        array.reshape(-1)[0] = value
    else:
        array = value
    return replace(rbm, **{part: replace(whole, **{name: array})})


def test_a_machine_with_prior_and_couplings_is_sane() -> None:
    assert insane_parameters(with_everything(0)) == []


@pytest.mark.parametrize(
    "name",
    ["mean", "up", "down", "strength", "rates", "correction", "popularity", "like_share"],
)
@pytest.mark.parametrize("value", [np.nan, np.inf, 1e30])
def test_a_prior_that_is_not_finite_or_absurd_is_named(name: str, value: float) -> None:
    problem = f"prior.{name} is not finite, or too large"
    assert insane_parameters(changed("prior", name, value)) == [problem]


@pytest.mark.parametrize("length", [0.0, -1.0, np.nan, np.inf])
def test_a_profile_has_a_length(length: float) -> None:
    (problem,) = insane_parameters(changed("prior", "length", length))
    assert problem == "prior.length is no number of ratings"


def test_a_strength_below_0_is_named() -> None:
    assert insane_parameters(changed("prior", "strength", -1)) == ["prior.strength is negative"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("indptr", 1), ("indptr", -1), ("indptr", 2**40), ("indices", -1), ("indices", 40),
        ("values", np.nan), ("values", 1e30),
    ],
)  # fmt: skip
def test_couplings_that_are_no_sparse_rows_over_the_movies_are_named(
    name: str, value: float
) -> None:
    (problem,) = insane_parameters(changed("couplings", name, value))
    assert problem.startswith(f"couplings.{name}")


def test_rows_that_do_not_rise_are_named() -> None:
    rbm = with_everything(0)
    assert rbm.couplings is not None
    indptr = rbm.couplings.indptr.copy()
    indptr[5] = indptr[-1] + 7
    broken = replace(rbm, couplings=replace(rbm.couplings, indptr=indptr))
    (problem,) = insane_parameters(broken)
    assert problem.startswith("couplings.indptr")


@pytest.mark.parametrize("value", [0.0, 5e-324, 1e-320, 1e300, -1.0])
def test_a_mean_that_is_no_number_of_ratings_is_named(value: float) -> None:
    (problem,) = insane_parameters(replace(with_everything(0), mean_ratings=value))
    assert problem == "mean_ratings is no number of ratings"


@pytest.mark.parametrize("shape", [(0, 2, 6), (40, 2, 0)])
def test_a_machine_without_units_is_named(shape: tuple[int, ...]) -> None:
    empty = replace(with_everything(0), W=np.zeros(shape, np.float32))
    assert insane_parameters(empty) == ["W is empty"]


def test_couplings_that_are_not_sorted_are_named() -> None:
    rbm = with_everything(0)
    assert rbm.couplings is not None
    twice = rbm.couplings.indices.copy()
    twice[1] = twice[0]
    for indices in (twice, rbm.couplings.indices[::-1]):
        broken = replace(rbm, couplings=replace(rbm.couplings, indices=indices))
        assert insane_parameters(broken) == ["couplings.indices does not rise within a row"]


@pytest.mark.parametrize("rbm", [random_rbm(1), random_rbm(2, n_movies=1), with_everything(3)])
@pytest.mark.parametrize("value", [np.nan, np.inf, -0.5, 1.5])
def test_a_machine_whose_scores_are_no_probabilities_is_named(
    rbm: RBM, value: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert insane_parameters(rbm) == []
    scores = np.full(rbm.n_movies, 0.5, dtype=np.float32), np.full(rbm.n_movies, 0.5)
    scores[1][-1] = value
    monkeypatch.setattr(RBM, "score_user", lambda *_: scores)
    (problem,) = insane_parameters(rbm)
    assert problem == "values give a user with 0 ratings no probabilities"

"""What may be served: the parameters of a machine with a prior and couplings."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from model.rbm import RBM
from model.sanity import insane_parameters
from tests.model.machines import with_everything


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

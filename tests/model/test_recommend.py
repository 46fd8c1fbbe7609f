from pathlib import Path

import numpy as np
import pytest

from data.interactions import Interactions
from data.movie_keys import movie_id
from model import RBM
from model.artifact import ArtifactError
from model.scoring import rank, score_user
from tests.model.machines import random_rbm, with_everything


def test_the_list_is_the_ranking_of_the_service_without_the_rated_movies() -> None:
    rbm = with_everything(1)
    rows, liked = np.array([3, 8, 20]), np.array([True, False, True])
    ids = rbm.movie_ids[rows].tolist()
    # In any order, and with a movie that the machine does not know.
    ratings: dict[int, bool] = {ids[1]: False, 5_000: True, ids[2]: True, ids[0]: True}
    found = rbm.recommend(ratings, n=7)
    like, given_seen = score_user(rbm, rows, liked)
    best = rank(like, rbm.movie_ids, exclude=rows, limit=7)
    assert [movie.movie_id for movie in found] == rbm.movie_ids[best].tolist()
    assert [movie.like for movie in found] == like[best].tolist()
    assert [movie.like_given_seen for movie in found] == given_seen[best].tolist()
    assert len(rbm.recommend({}, n=100)) == rbm.n_movies


def test_movies_are_rated_by_the_keys_that_the_data_has() -> None:
    keys = ["tea", "soap", "42"]
    ids = [movie_id("tea"), movie_id("soap"), 42]
    interactions = Interactions.from_arrays(["ann"] * 3, ids, [True, False, True])
    rbm = random_rbm(2, n_movies=3)
    rbm = RBM(rbm.W, rbm.a, rbm.b, interactions.movie_ids, 3.0)
    assert interactions.ratings_of("ann") == dict(zip(ids, (True, False, True), strict=True))
    for key, id_ in zip(keys, ids, strict=True):
        assert rbm.recommend({key: True}) == rbm.recommend({id_: True})
        assert id_ not in [movie.movie_id for movie in rbm.recommend({key: True})]
    with pytest.raises(KeyError, match="no user 'bob'"):
        interactions.ratings_of("bob")


@pytest.mark.parametrize(
    ("ratings", "n", "complaint"),
    [
        ({1: 4.5}, 3, r"ratings\[1\] is 4.5, neither True nor False"),
        ({"": True}, 3, "'' is no movie key"),
        ({}, -1, "n is -1"),
    ],
)
def test_what_is_no_rating_is_refused(ratings: dict, n: int, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        random_rbm(0).recommend(ratings, n)


def test_a_machine_is_saved_and_loaded_by_its_own_methods(tmp_path: Path) -> None:
    rbm = with_everything(3)
    rbm.save(tmp_path / "mine")
    loaded = RBM.load(str(tmp_path / "mine"))
    ratings = {int(rbm.movie_ids[0]): True}
    assert loaded.recommend(ratings) == rbm.recommend(ratings)
    with pytest.raises(FileExistsError, match="mine is there already"):
        rbm.save(tmp_path / "mine")
    rbm.b[0] = np.nan
    with pytest.raises(ValueError, match="not finite"):
        rbm.save(str(tmp_path / "other"))
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]
    with pytest.raises(ArtifactError, match="cannot be read"):
        RBM.load(tmp_path / "other")

"""Movies like a movie, on real MovieLens data where it lies in the data folder."""

import os
from pathlib import Path

import numpy as np
import pytest

from data import Interactions
from data.movielens import load
from model import train
from model.similarity import like_lengths, similarity

DATASETS_DIR = Path(
    os.environ.get("RECOMMENDER_DATASETS_DIR", Path(__file__).parents[2] / "var" / "datasets")
)
NAME = "ml-latest-small"


@pytest.mark.slow
@pytest.mark.skipif(not (DATASETS_DIR / NAME).exists(), reason="real MovieLens is not at hand")
def test_similar_movies_are_what_a_person_would_name() -> None:
    release = load(NAME, datasets_dir=DATASETS_DIR, datasets_url="https://127.0.0.1:9/")
    ratings = release.ratings
    rbm = train(
        Interactions.from_arrays(
            ratings["user"].to_numpy(),
            ratings["movie_id"].to_numpy(),
            (ratings["stars"] >= 4).to_numpy(),
        )
    )
    lengths = like_lengths(rbm)
    for movie, expected in {
        1: {3114},  # Toy Story: Toy Story 2
        260: {1196, 1210},  # Star Wars: Episodes V and VI
        4993: {5952, 7153},  # The Fellowship of the Ring: the other two
        364: {588, 595},  # The Lion King: Aladdin, Beauty and the Beast
        7438: {6874},  # Kill Bill 2: Kill Bill 1
        5618: {3000, 31658},  # Spirited Away: Princess Mononoke, Howl's Moving Castle
    }.items():
        row = int(np.flatnonzero(rbm.movie_ids == movie)[0])
        alike = similarity(rbm, row, lengths)
        alike[row] = -1
        best = set(rbm.movie_ids[np.argsort(-alike)[:8]].tolist())
        assert expected <= best, movie

"""The readers on real MovieLens data, where it lies in the data folder."""

import os
from pathlib import Path

import pytest

from data.movielens import Release, load

DATASETS_DIR = Path(
    os.environ.get("RECOMMENDER_DATASETS_DIR", Path(__file__).parents[2] / "var" / "datasets")
)
NAME = "ml-latest-small"


@pytest.fixture(scope="module")
def release() -> Release:
    if not any((DATASETS_DIR / name).exists() for name in (NAME, f"{NAME}.zip")):
        pytest.skip(f"real MovieLens data is not at hand: no {NAME} in {DATASETS_DIR}")
    return load(NAME, datasets_dir=DATASETS_DIR, datasets_url="https://127.0.0.1:9/")


def test_ml_latest_small_has_its_published_size(release: Release) -> None:
    assert release.ratings["user"].nunique() == 610
    assert len(release.movies) == 9_742
    assert len(release.ratings) == 100_836
    assert release.is_public


def test_titles_read_as_users_type_them(release: Release) -> None:
    movies = release.movies.set_index("movie_id")
    assert movies.loc[2571, "title"] == "The Matrix"
    assert movies.loc[2571, "year"] == 1999
    assert movies.loc[2959, "title"] == "Fight Club"
    assert movies.loc[2959, "imdb_id"] == 137523
    assert movies.loc[140956, "title"] == "Ready Player One"
    assert movies["year"].isna().sum() < 20
    assert not movies["title"].str.contains(r", (?:The|A|An)$").any()


def test_the_movies_of_the_sample_are_those_of_movielens(release: Release) -> None:
    sample = load("sample", datasets_dir=DATASETS_DIR, datasets_url="").movies
    both = sample.merge(release.movies, on="movie_id", suffixes=("", "_real"))
    assert len(both) == len(sample)
    assert (both["year"] == both["year_real"]).all()

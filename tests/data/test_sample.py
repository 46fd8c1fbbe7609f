"""The bundled sample."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from data.movielens import SAMPLE_FOLDER, Release
from data.sample.generator import TASTES, SampleMovie, affinity, generate_ratings, read_movies
from tests.data.releases import read

REPOSITORY = Path(__file__).parents[2]
MAX_BYTES = 600_000


@pytest.fixture(scope="module")
def sample() -> Release:
    return read("sample")


def test_the_sample_says_what_it_is(sample: Release) -> None:
    assert sample.name == "sample"
    assert sample.is_public
    assert "invented" in sample.notice
    assert len(sample.movies) == 526
    assert sample.ratings["user"].nunique() == 300
    assert 20_000 < len(sample.ratings) < 25_000


def test_the_generator_makes_the_committed_file_byte_for_byte() -> None:
    committed = (SAMPLE_FOLDER / "ratings.csv").read_bytes()
    assert generate_ratings(read_movies()).encode() == committed


def test_the_module_writes_that_file_wherever_it_is_told_to(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "data.sample", str(tmp_path)]
    subprocess.run(command, cwd=REPOSITORY, check=True)
    committed = (SAMPLE_FOLDER / "ratings.csv").read_bytes()
    assert (tmp_path / "ratings.csv").read_bytes() == committed


def test_the_files_stay_small() -> None:
    assert sum(path.stat().st_size for path in SAMPLE_FOLDER.glob("*.csv")) < MAX_BYTES


def test_it_holds_fight_club_the_departed_and_user_1(sample: Release) -> None:
    year_of = dict(zip(sample.movies["title"], sample.movies["year"], strict=True))
    assert year_of["Fight Club"] == 1999
    assert year_of["The Departed"] == 2006
    n_likes = (sample.ratings["stars"] >= 4).groupby(sample.ratings["user"]).sum()
    assert n_likes[1] >= 5


def test_every_movie_has_a_year_genres_and_both_likes_and_dislikes(sample: Release) -> None:
    assert sample.movies["year"].between(1895, 2017).all()
    assert sample.movies["genres"].map(len).min() >= 1
    assert sample.movies["title"].is_unique
    liked = (sample.ratings["stars"] >= 4).groupby(sample.ratings["movie_id"])
    assert liked.size().reindex(sample.movies["movie_id"]).min() >= 5
    assert 0.35 < liked.sum().sum() / len(sample.ratings) < 0.6


def test_stars_are_halves_and_every_value_occurs(sample: Release) -> None:
    assert sorted(sample.ratings["stars"].unique()) == np.arange(0.5, 5.5, 0.5).tolist()


def test_a_tenth_of_the_movies_has_a_third_of_the_ratings(sample: Release) -> None:
    counts = sample.ratings.groupby("movie_id").size().sort_values(ascending=False)
    share = counts.head(len(sample.movies) // 10).sum() / counts.sum()
    assert 0.2 < share < 0.5


def test_no_user_rates_before_the_newest_movie_is_out(sample: Release) -> None:
    times = pd.to_datetime(sample.ratings["rated_at"], unit="s")
    assert times.dt.year.between(2018, 2021).all()


@pytest.mark.parametrize("taste", list(TASTES))
def test_who_likes_movies_of_a_taste_likes_the_others_of_it_too(
    taste: str, sample: Release
) -> None:
    """Halves of a taste's movies: the fonder of one half, the fonder of the other."""
    movies = {movie.movie_id: movie for movie in read_movies()}
    strong = [movie_id for movie_id, movie in movies.items() if affinity(taste, movie) > 0.6]
    ratings = sample.ratings[sample.ratings["movie_id"].isin(strong)]
    in_first_half = ratings["movie_id"].isin(strong[::2])
    means = [
        half.groupby("user")["stars"].mean()[half.groupby("user").size() >= 2]
        for half in (ratings[in_first_half], ratings[~in_first_half])
    ]
    assert len(strong) >= 10
    assert means[0].corr(means[1]) > 0.5


def test_affinity_counts_the_strongest_genre_twice() -> None:
    movie = SampleMovie(1, "x", 1999, ("Horror", "Romance", "Documentary"))
    assert affinity("horror", movie) == pytest.approx((1 - 0.9 + 1) / 3)
    assert affinity("romance", SampleMovie(1, "x", 1950, ("War",))) == pytest.approx(-0.4)
    assert affinity("classics", SampleMovie(1, "x", 1950, ("Documentary",))) == 1

"""The invented ratings of the bundled sample.

Every user has a main taste and a second one (`TASTES`); a taste is a number for each genre and
one for old movies. What a user thinks of a movie is

    stars = 3.3 + 1.7 affinity + 0.3 quality + 0.3 mood + 0.45 noise     to half stars, 0.5 to 5

with the affinity of their tastes to the movie, a quality of the movie for all users, and the mean
stars of the user. What a user has seen depends on the movie's popularity, which falls as
1 / (rank + 15) with the `FAMOUS` first, and on the affinity: mostly what they like, and some of
what most users have seen.

The same bytes come out everywhere, with any version of Python: of the standard generator only
``random()`` is used, whose sequence is guaranteed, and of arithmetic only what IEEE 754 defines to
the last bit.
"""

from __future__ import annotations

import csv
import io
import random
from bisect import bisect
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

from data.titles import split_title

__all__ = ["FOLDER", "TASTES", "SampleMovie", "affinity", "generate_ratings", "read_movies"]

FOLDER = Path(__file__).parent
SEED = 1995
N_USERS = 300
MIN_RATINGS, MAX_RATINGS = 20, 240

# Taste: what each genre adds to the affinity, -1 to 1; "old" is added for movies before 1970.
TASTES: dict[str, dict[str, float]] = {
    "animation": {"Animation": 1, "Children": 0.9, "Musical": 0.4, "Crime": -0.7, "Horror": -1,
                  "Thriller": -0.6, "War": -0.6},
    "space": {"Sci-Fi": 1, "Action": 0.5, "Adventure": 0.4, "Romance": -0.8, "Musical": -0.9,
              "Drama": -0.2, "Film-Noir": -0.5, "old": -0.3},
    "crime": {"Crime": 1, "Mystery": 0.5, "Thriller": 0.5, "Film-Noir": 0.7, "Children": -1,
              "Animation": -0.8, "Musical": -0.7, "Fantasy": -0.4},
    "horror": {"Horror": 1, "Mystery": 0.2, "Romance": -0.9, "Children": -0.8, "Musical": -0.9,
               "Drama": -0.3, "War": -0.5},
    "romance": {"Romance": 1, "Musical": 0.5, "Drama": 0.1, "Horror": -1, "Sci-Fi": -0.7,
                "Action": -0.6, "War": -0.4, "Crime": -0.4},
    "comedy": {"Comedy": 1, "Horror": -0.3, "Drama": -0.5, "War": -0.7, "Thriller": -0.4,
               "Film-Noir": -0.5, "old": -0.3},
    "classics": {"Film-Noir": 0.6, "Drama": 0.1, "Western": 0.3, "Action": -0.5, "Sci-Fi": -0.4,
                 "Comedy": -0.2, "Animation": -0.3, "old": 1},
    "war": {"War": 1, "Western": 0.9, "Drama": 0.3, "Comedy": -0.5, "Children": -0.8,
            "Fantasy": -0.7, "Horror": -0.5, "Musical": -0.5},
    "fantasy": {"Fantasy": 1, "Adventure": 0.6, "Animation": 0.2, "Crime": -0.7, "War": -0.5,
                "Film-Noir": -0.6, "Thriller": -0.3, "old": -0.2},
}  # fmt: skip
OLD_BEFORE = 1970
# Seen by most and liked by most who care for the kind; some for each taste.
FAMOUS = frozenset({
    "Toy Story", "The Lion King", "Finding Nemo", "Shrek", "Spirited Away", "WALL·E",
    "Star Wars: Episode IV - A New Hope", "The Matrix", "Terminator 2: Judgment Day", "Alien",
    "Jurassic Park", "Back to the Future", "Inception", "Raiders of the Lost Ark",
    "Pulp Fiction", "The Silence of the Lambs", "Fight Club", "The Departed", "The Godfather",
    "Se7en", "The Usual Suspects", "The Shawshank Redemption", "The Dark Knight",
    "The Shining", "The Exorcist", "Scream", "Halloween", "The Sixth Sense",
    "Titanic", "When Harry Met Sally...", "Amélie", "Pretty Woman", "The Notebook",
    "Forrest Gump", "Groundhog Day", "Airplane!", "Monty Python and the Holy Grail",
    "The Big Lebowski", "Ghostbusters",
    "Casablanca", "Psycho", "Citizen Kane", "Some Like It Hot", "12 Angry Men", "Vertigo",
    "Schindler's List", "Saving Private Ryan", "Apocalypse Now", "Braveheart", "Unforgiven",
    "The Good, the Bad and the Ugly",
    "The Lord of the Rings: The Fellowship of the Ring",
    "The Lord of the Rings: The Two Towers", "The Lord of the Rings: The Return of the King",
    "Harry Potter and the Sorcerer's Stone", "The Princess Bride",
})  # fmt: skip

# Everybody rates after the newest movie of the list (2017) is out.
FIRST_SECOND = 1_514_764_800  # 2018-01-01
LAST_SECOND = 1_609_459_200  # 2021-01-01


@dataclass(frozen=True, slots=True)
class SampleMovie:
    """A movie of ``movies.csv``, which is kept by hand."""

    movie_id: int
    title: str
    year: int
    genres: tuple[str, ...]


def read_movies() -> list[SampleMovie]:
    """Read ``movies.csv``."""
    movies = []
    with (FOLDER / "movies.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            title, year = split_title(row["title"])
            if year is None:
                raise ValueError(f"{row['title']!r} has no year")
            movies.append(
                SampleMovie(int(row["movieId"]), title, year, tuple(row["genres"].split("|")))
            )
    return movies


def affinity(taste: str, movie: SampleMovie) -> float:
    """How much a taste is drawn to a movie, -1 to 1.

    The mean over the movie's genres, where one strong genre counts more than several that the taste
    does not know: (sum + extreme) / (n + 1) with the genre value of the largest size counted twice.
    """
    weights = TASTES[taste]
    values = [weights.get(genre, 0.0) for genre in movie.genres]
    if movie.year < OLD_BEFORE:
        values.append(weights.get("old", 0.0))
    known = [value for value in values if value] or [0.0]
    total = max(known, key=abs)
    for value in known:  # not sum(), which rounds otherwise from Python 3.12 on
        total += value
    return total / (len(known) + 1)


def generate_ratings(movies: list[SampleMovie]) -> str:
    """Return the text of ``ratings.csv``, always the same for the same movies."""
    generator = random.Random(SEED)  # noqa: S311 (invented ratings need no secret)
    popularity, quality = _popularity_and_quality(movies, generator)
    text = io.StringIO()
    text.write("userId,movieId,rating,timestamp\n")
    for user in range(1, N_USERS + 1):
        drawn_to = _affinities(movies, generator)
        seen = _seen(popularity, drawn_to, generator)
        mood = _bell(generator)
        second = FIRST_SECOND + int((LAST_SECOND - FIRST_SECOND) * generator.random())
        lines = []
        for row in seen:
            opinion = (
                3.3 + 1.7 * drawn_to[row] + 0.3 * quality[row]
                + 0.3 * mood + 0.45 * _bell(generator)
            )  # fmt: skip
            half_stars = min(10, max(1, int(2 * opinion + 0.5)))
            second += 10 + int(200 * generator.random())
            lines.append((movies[row].movie_id, half_stars / 2, second))
        text.writelines(f"{user},{movie},{stars},{at}\n" for movie, stars, at in sorted(lines))
    return text.getvalue()


def _popularity_and_quality(
    movies: list[SampleMovie], generator: random.Random
) -> tuple[list[float], list[float]]:
    """Return a weight and a number around 0 for each movie; old movies tend to be less known."""
    titles = {movie.title for movie in movies}
    if missing := FAMOUS - titles:
        raise ValueError(f"famous, but not in the list: {', '.join(sorted(missing))}")
    draws = [generator.random() + (0.7 if movie.year < OLD_BEFORE else 0.0) for movie in movies]
    by_rank = sorted(
        range(len(movies)), key=lambda row: (movies[row].title not in FAMOUS, draws[row])
    )
    popularity, quality = [0.0] * len(movies), [0.0] * len(movies)
    for rank, row in enumerate(by_rank):
        popularity[row] = 1 / (rank + 15)
        quality[row] = _bell(generator) if rank >= len(FAMOUS) else 1.5 + 0.5 * _bell(generator)
    return popularity, quality


def _affinities(movies: list[SampleMovie], generator: random.Random) -> list[float]:
    """Draw two tastes of a user and return what they make of each movie."""
    names = list(TASTES)
    main = names[int(len(names) * generator.random())]
    second = names[int(len(names) * generator.random())]
    share = 0.7 + 0.3 * generator.random()
    return [
        share * affinity(main, movie) + (1 - share) * affinity(second, movie) for movie in movies
    ]


def _seen(popularity: list[float], drawn_to: list[float], generator: random.Random) -> list[int]:
    """Draw the movies that a user has seen, without repetition."""
    pull = [max(0.0, attraction) for attraction in drawn_to]
    weights = [p * (0.12 + x * x) for p, x in zip(popularity, pull, strict=True)]
    sums = list(accumulate(weights))
    activity = generator.random()
    n_ratings = MIN_RATINGS + int((MAX_RATINGS - MIN_RATINGS) * activity * activity * activity)
    seen: dict[int, None] = {}
    while len(seen) < n_ratings:
        seen[min(bisect(sums, sums[-1] * generator.random()), len(sums) - 1)] = None
    return list(seen)


def _bell(generator: random.Random) -> float:
    """Draw from a bell-shaped distribution with mean 0 and variance 1 (Irwin-Hall of order 12)."""
    total = 0.0
    for _ in range(12):
        total += generator.random()
    return total - 6

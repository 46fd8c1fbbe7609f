"""What training reads from the database."""

from datetime import UTC, datetime

import numpy as np
import pytest
from sqlalchemy import Connection, insert, select

from app.datasets import snapshot
from app.datasets.repository import ImportedDataset, imported_dataset
from app.datasets.service import import_release
from app.datasets.snapshot import read_snapshot
from app.db.engine import Database
from app.db.tables import installation, users
from app.ratings.schemas import RatingRequest
from app.ratings.service import RatingService
from data.interactions import Interactions
from tests.app.small_releases import LINES, MOVIES, large_release, make_release


def likes_of(interactions: Interactions) -> list[tuple[str, int, bool]]:
    return [
        (str(key), int(interactions.movie_ids[movie_row]), bool(liked))
        for row, key in enumerate(interactions.user_keys)
        for movie_row, liked in zip(*interactions.user(row), strict=True)
    ]


def test_stars_from_the_threshold_up_and_plain_likes_are_likes(database: Database) -> None:
    import_release(database, make_release())
    service = RatingService(database, 4.0)
    service.put("8", 2, RatingRequest(liked=True))
    service.put("8", 4, RatingRequest(liked=False))
    assert likes_of(read_snapshot(database, 4.0).interactions) == [
        ("7", 1, True),
        ("7", 2, False),
        ("8", 1, True),
        ("8", 2, True),
        ("8", 3, False),
        ("8", 4, False),
    ]
    assert likes_of(read_snapshot(database, 4.5).interactions)[0] == ("7", 1, False)


def test_all_movies_are_columns_by_rising_id_rated_or_not(database: Database) -> None:
    titles = {90: "Alien", **MOVIES}
    import_release(database, make_release(titles=titles))
    interactions = read_snapshot(database, 4.0).interactions
    assert interactions.movie_ids.tolist() == [1, 2, 3, 4, 90]
    assert interactions.movie_ids.dtype == np.int64
    assert interactions.movie_rows.dtype == np.int32
    assert interactions.liked.dtype == np.bool_


def test_users_without_ratings_are_no_rows(database: Database) -> None:
    with database.unit_of_work() as connection:
        connection.execute(insert(users).values(key="newcomer", ratings_revision=0))
    import_release(database, make_release())
    assert read_snapshot(database, 4.0).interactions.user_keys.tolist() == ["7", "8"]


def test_an_empty_database_gives_an_empty_matrix(database: Database) -> None:
    taken = read_snapshot(database, 4.0)
    interactions = taken.interactions
    assert (interactions.n_users, interactions.n_movies, interactions.n_ratings) == (0, 0, 0)
    assert taken.dataset is None


def test_a_snapshot_says_where_it_comes_from(database: Database) -> None:
    release = make_release()
    import_release(database, release)
    begin = datetime.now(UTC)
    taken = read_snapshot(database, 4.0)
    assert taken.dataset is not None
    assert (taken.dataset.name, taken.dataset.sha256) == ("small", release.sha256)
    assert taken.ratings_revision == 1
    assert begin <= taken.taken_at <= datetime.now(UTC)
    with database.read() as connection:
        salt = connection.execute(select(installation.c.holdout_salt)).scalar_one()
    assert taken.holdout_salt == salt


def test_the_order_of_the_file_within_a_user_does_not_matter(database: Database) -> None:
    import_release(database, make_release([LINES[i] for i in (1, 3, 0, 2)]))
    interactions = read_snapshot(database, 4.0).interactions
    assert interactions.user_keys.tolist() == ["7", "8"]
    assert likes_of(interactions) == [
        ("7", 1, True),
        ("7", 2, False),
        ("8", 1, True),
        ("8", 3, False),
    ]


@pytest.mark.parametrize("chunk", [7, 1000, 100_000])
def test_a_large_matrix_arrives_whole_in_pieces_of_any_size(
    database: Database, monkeypatch: pytest.MonkeyPatch, chunk: int
) -> None:
    release = large_release("A", n_users=30, per_user=100)
    import_release(database, release)
    monkeypatch.setattr(snapshot, "CHUNK", chunk)
    found = read_snapshot(database, 4.0).interactions
    ratings = release.ratings.sort_values(["user", "movie_id"])
    expected = Interactions.from_arrays(
        ratings["user"].astype(str).to_numpy(dtype=np.str_),
        ratings["movie_id"].to_numpy(),
        (ratings["stars"] >= 4).to_numpy(),
        movie_ids=np.sort(release.movies["movie_id"].to_numpy()),
    )
    for name in ("indptr", "movie_rows", "liked", "user_keys", "movie_ids"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name), name)


def test_a_snapshot_is_of_one_moment_while_users_rate_on(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_release(database, make_release())
    before = read_snapshot(database, 4.0)

    def rate_and_go_on(connection: Connection) -> ImportedDataset | None:
        RatingService(database, 4.0).put("newcomer", 1, RatingRequest(stars=5.0))
        return imported_dataset(connection)

    monkeypatch.setattr("app.datasets.snapshot.imported_dataset", rate_and_go_on)
    during = read_snapshot(database, 4.0)
    assert during.ratings_revision == before.ratings_revision
    assert likes_of(during.interactions) == likes_of(before.interactions)
    monkeypatch.undo()
    assert read_snapshot(database, 4.0).ratings_revision == before.ratings_revision + 1

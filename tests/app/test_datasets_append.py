"""Own data is added to what is there: what wins, what changes, what stays as it was."""

import dataclasses
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sqlalchemy import insert, select, update

from app.datasets import frames
from app.datasets.repository import imported_dataset
from app.datasets.service import (
    DatasetConflictError,
    ImportSummary,
    TitlesDifferError,
    import_release,
)
from app.db import tables
from app.db.engine import Database
from app.db.model_versions import active_version
from app.events.rule import Rule
from app.ratings.service import RatingService
from data.movie_keys import movie_id
from data.release import NO_TIME, Release
from tests.app.small_releases import (
    LINES,
    MOVIES,
    Line,
    at,
    contents,
    make_release,
    ratings,
    revisions,
)
from tests.app.test_datasets import activate_a_model, give

DAY = 10_000
RULE = Rule.of(["purchased=like", "watched<0.1=dislike", "clicked=seen"])

# Of an event: id, user, movie, kind, value, time.
Event = tuple[str | None, str, int, str, float | None, int]


def own(lines: list[Line] = LINES, titles: dict[int, str] = MOVIES, **options: Any) -> Release:
    return make_release(lines, titles, name="own", own=True, **options)


def happened(*events: Event) -> Release:
    ids, users, movies, kinds, values, times = zip(*events, strict=True)
    frame = pd.DataFrame(
        {
            "event_id": pd.Series(ids, dtype="object"),
            "user": pd.Series(users, dtype="str"),
            "movie_id": np.array(movies, dtype=np.int64),
            "kind": pd.Series(kinds, dtype="str"),
            "value": np.array(values, dtype=np.float64),
            "occurred_at": np.array(times, dtype=np.int64),
        }
    )
    empty = own()
    return dataclasses.replace(empty, ratings=empty.ratings.iloc[:0], events=frame)


def add(database: Database, release: Release, now: int = DAY, **options: Any) -> ImportSummary:
    return import_release(database, release, now=at(now), rule=RULE, **options)


def seen(database: Database) -> set[tuple[str, int, bool]]:
    query = select(tables.users.c.key, tables.seen_movies.c.movie_id, tables.seen_movies.c.hidden)
    query = query.join(tables.seen_movies, tables.seen_movies.c.user_id == tables.users.c.id)
    with database.read() as connection:
        return {(key, movie, bool(hidden)) for key, movie, hidden in connection.execute(query)}


def movie(database: Database, id_: int) -> dict[str, Any]:
    query = select(tables.movies).where(tables.movies.c.id == id_)
    with database.read() as connection:
        return dict(connection.execute(query).mappings().one())


def described(release: Release, **columns: list[Any]) -> Release:
    changed = {name: pd.Series(values, dtype="object") for name, values in columns.items()}
    return dataclasses.replace(release, movies=release.movies.assign(**changed))


@pytest.fixture
def base(database: Database) -> Database:
    """A database that holds `LINES`, with an active model."""
    import_release(database, make_release(), now=at(5000))
    activate_a_model(database)
    return database


def test_a_file_is_added_and_the_model_stays(base: Database) -> None:
    new: list[Line] = [("7", 4, 3.0, 6000), ("zoe", 9, 5.0, 6001)]
    summary = add(base, own(new, {**MOVIES, 9: "Alien"}))
    assert (summary.n_users_new, summary.n_movies_new, summary.n_ratings_written) == (1, 1, 2)
    assert len(ratings(base)) == 6
    with base.read() as connection:
        assert active_version(connection) == ("v1", None, 1)
        dataset = imported_dataset(connection)
    assert dataset is not None
    assert (dataset.name, dataset.imported_at) == ("small", at(5000))
    assert revisions(base) == {"7": 2, "8": 1, "zoe": 2}, "of those alone whose ratings changed"
    assert not summary.unchanged


def test_the_first_file_begins_the_database(database: Database) -> None:
    add(database, own())
    with database.read() as connection:
        assert imported_dataset(connection) == ("own", own().sha256, at(DAY), False)


@pytest.mark.parametrize("given_at", [6000, NO_TIME, 10**9], ids=["timed", "without", "in future"])
def test_repeating_an_import_changes_nothing(base: Database, given_at: int) -> None:
    release = own([("7", 1, 1.0, given_at), ("zoe", 2, 2.0, given_at)])
    assert add(base, release).n_ratings_written == 2
    before = contents(base)
    summary = add(base, release, now=DAY + 100)
    assert summary.unchanged
    assert contents(base) == before


@pytest.mark.parametrize(
    ("given_at", "wins"), [(999, False), (1000, False), (1001, True), (NO_TIME, True)]
)
def test_of_two_imported_ratings_the_later_one_counts(
    base: Database, given_at: int, *, wins: bool
) -> None:
    summary = add(base, own([("7", 1, 1.0, given_at)]))
    assert summary.n_ratings_changed == wins
    stars, rated_at = ratings(base)[("7", 1)]
    assert stars == (1.0 if wins else 4.0)
    assert rated_at == ((given_at or DAY) if wins else 1000)
    assert revisions(base)["7"] == 1 + wins


@pytest.mark.parametrize(
    ("given_at", "wins"), [(1999, False), (2000, False), (2001, True), (NO_TIME, False)]
)
def test_a_rating_of_the_service_gives_way_to_a_later_one_with_a_time_alone(
    base: Database, given_at: int, *, wins: bool
) -> None:
    give(base, "7", 1, 5.0, 2000)
    add(base, own([("7", 1, 1.0, given_at)]))
    assert ratings(base)[("7", 1)] == ((1.0, given_at) if wins else (5.0, 2000))


def test_likes_without_stars_are_imported(base: Database) -> None:
    release = own([("7", 1, 3.0, 6000), ("8", 1, 3.0, 6000), ("8", 2, 3.0, 6000)])
    rated = release.ratings.assign(
        stars=np.array([np.nan, np.nan, 3.0], dtype=np.float32),
        liked=pd.array([True, False, None], dtype="boolean"),
    )
    add(base, dataclasses.replace(release, ratings=rated))
    held = ratings(base)
    assert [held[key][0] for key in (("7", 1), ("8", 1), ("8", 2))] == [True, False, 3.0]


def test_pieces_make_the_same_as_the_whole(base: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frames, "CHUNK", 2)
    new: list[Line] = [("b", 1, 3.0, 1), ("a", 2, 3.0, 1), ("a", 1, 3.0, 1), ("7", 1, 1.0, 6000)]
    summary = add(base, own(new))
    assert (summary.n_ratings_written, summary.n_ratings_changed) == (4, 1)
    assert len(ratings(base)) == 7


class TestEvents:
    def test_they_are_kept_and_imply_ratings_and_seen_movies(self, base: Database) -> None:
        release = happened(
            ("e1", "zoe", 1, "purchased", None, 6000),
            ("e2", "zoe", 2, "watched", 0.05, 6001),
            ("e3", "zoe", 3, "clicked", None, 6002),
            ("e4", "7", 4, "hidden", None, NO_TIME),
            ("e5", "8", 2, "rated", 2.5, 6003),
        )
        summary = add(base, release)
        assert (summary.n_events_new, summary.n_ratings_written, summary.n_seen_written) == (
            5,
            3,
            2,
        )
        held = ratings(base)
        assert held[("zoe", 1)] == (True, 6000)
        assert held[("zoe", 2)] == (False, 6001)
        assert held[("8", 2)] == (2.5, 6003)
        assert seen(base) == {("zoe", 3, False), ("7", 4, True)}
        assert set(revisions(base).values()) == {2}

    def test_repeating_them_changes_nothing_even_what_was_deleted_since(
        self, base: Database
    ) -> None:
        release = happened(
            (None, "zoe", 1, "purchased", None, 6000),
            (None, "zoe", 1, "purchased", None, 6000),  # the same, so it is one event
            (None, "zoe", 2, "clicked", None, NO_TIME),
        )
        assert add(base, release).n_events_new == 2
        RatingService(base, 4.0).remove("zoe", 1)
        before = contents(base)
        assert add(base, release, now=DAY + 100).unchanged
        assert contents(base) == before

    def test_what_a_user_says_wins_over_what_events_imply(self, base: Database) -> None:
        add(base, happened(("e1", "7", 1, "watched", 0.0, 9000)))
        assert ratings(base)[("7", 1)] == (4.0, 1000)
        add(base, happened(("e2", "zoe", 1, "purchased", None, 9000)))
        add(base, own([("zoe", 1, 1.0, 2000)]))
        assert ratings(base)[("zoe", 1)] == (1.0, 2000), "although it is earlier"

    def test_of_two_implied_ones_the_later_counts_and_hidden_stays_hidden(
        self, base: Database
    ) -> None:
        first = happened(
            ("e1", "zoe", 1, "purchased", None, 6000), ("e2", "zoe", 2, "hidden", None, 6000)
        )
        second = happened(
            ("e3", "zoe", 1, "watched", 0.0, 7000), ("e4", "zoe", 2, "seen", None, 7000)
        )
        for release in (first, second):
            add(base, release)
        assert ratings(base)[("zoe", 1)] == (False, 7000)
        assert seen(base) == {("zoe", 2, True)}


class TestMovies:
    def test_other_titles_are_refused_with_what_differs(self, base: Database) -> None:
        before = contents(base)
        other = own([("zoe", 1, 5.0, 6000)], {**MOVIES, 1: "Toys", 2: "Jungle"}, year=1996)
        with pytest.raises(TitlesDifferError, match="4 movies otherwise") as refused:
            add(base, other)
        assert [str(change) for change in refused.value.changes[:2]] == [
            "movie 1: title 'Toy Story' -> 'Toys'",
            "movie 1: year '1995' -> '1996'",
        ]
        assert contents(base) == before

    def test_other_titles_are_taken_when_told_so(self, base: Database) -> None:
        summary = add(base, own(titles={**MOVIES, 1: "Toys"}), accept_titles=True)
        assert [str(change) for change in summary.changes] == [
            "movie 1: title 'Toy Story' -> 'Toys'"
        ]
        assert (movie(base, 1)["title"], summary.n_movies_changed) == ("Toys", 1)
        assert ratings(base)[("7", 1)] == (4.0, 1000)

    def test_a_file_without_titles_changes_none(self, base: Database) -> None:
        before = contents(base)["movies"]
        untitled = own(titles={id_: f"Movie {id_}" for id_ in MOVIES}, year=None)
        untitled = described(untitled, genres=[[] for _ in MOVIES])
        assert add(base, untitled).unchanged
        assert contents(base)["movies"] == before

    def test_what_was_missing_is_filled_in_without_being_told(self, database: Database) -> None:
        untitled = own(titles={id_: f"Movie {id_}" for id_ in MOVIES}, year=None)
        add(database, described(untitled, genres=[[] for _ in MOVIES]))
        add(database, described(own(), attributes=[{"studio": "Pixar"}, None, None, None]))
        held = movie(database, 1)
        assert (held["title"], held["year"], held["genres"]) == (
            "Toy Story", 1995, ["Comedy", "Drama"],
        )  # fmt: skip
        assert held["attributes"] == {"studio": "Pixar"}

    def test_attributes_are_added_to_and_another_value_is_refused(self, base: Database) -> None:
        nothing = [None, None, None]
        add(base, described(own(), attributes=[{"studio": "Pixar"}, *nothing]))
        add(base, described(own(), attributes=[{"tags": ["toys"]}, *nothing]))
        assert movie(base, 1)["attributes"] == {"studio": "Pixar", "tags": ["toys"]}
        with pytest.raises(TitlesDifferError) as refused:
            add(base, described(own(), attributes=[{"studio": "Disney"}, *nothing]))
        assert str(refused.value.changes[0]) == "movie 1: studio 'Pixar' -> 'Disney'"

    def test_movies_are_withdrawn_by_a_file_and_returned_only_when_told_so(
        self, base: Database
    ) -> None:
        none, limited = [None] * 3, {"available_from": [100, None, None, None]}
        add(base, described(own(), withdrawn=[True, *none], **limited))
        held = movie(base, 1)
        assert (held["withdrawn"], held["available_from"]) == (True, at(100))
        assert add(base, own()).unchanged  # it does not say
        returning = described(own(), withdrawn=[False, *none], **limited)
        with pytest.raises(TitlesDifferError) as refused:
            add(base, returning)
        assert str(refused.value.changes[0]) == "movie 1: withdrawn 'True' -> 'False'"
        assert add(base, returning, accept_titles=True).n_movies_changed == 1
        assert not movie(base, 1)["withdrawn"]

    def test_two_keys_with_one_hash_are_refused(self, base: Database) -> None:
        row = {"id": movie_id("sku-18"), "key": "sku-19", "title": "Shoe", "genres": []}
        with base.unit_of_work() as connection:
            connection.execute(insert(tables.movies).values(**row))
        release = own(titles={movie_id("sku-18"): "Shoe"})
        release = dataclasses.replace(
            described(release, key=["sku-18"]), ratings=release.ratings.iloc[:0]
        )
        with pytest.raises(DatasetConflictError, match="'sku-19' and 'sku-18' cannot be in one"):
            add(base, release)


def test_users_of_a_public_release_are_public_no_more_once_a_file_was_added(
    database: Database,
) -> None:
    import_release(database, dataclasses.replace(make_release(), is_public=True))
    mine: list[Line] = [("me", 1, 5.0, 1)]
    for lines, is_public in ((LINES, True), (mine, False)):
        add(database, own(lines))
        with database.read() as connection:
            dataset = imported_dataset(connection)
        assert dataset is not None
        assert dataset.is_public is is_public


def test_a_withdrawn_movie_stays_so_when_other_data_brings_it_again(base: Database) -> None:
    with base.unit_of_work() as connection:
        connection.execute(
            update(tables.movies).where(tables.movies.c.id < 3).values(withdrawn=True)
        )
    titles = {id_: title for id_, title in MOVIES.items() if id_ != 2}
    other = make_release([("new", 3, 5.0, 1000)], titles, name="other")
    add(base, other, replace=True)
    assert {id_: movie(base, id_)["withdrawn"] for id_ in (1, 2, 3)} == {1: True, 2: True, 3: False}


def test_a_replacement_removes_files_that_were_added_and_their_events(base: Database) -> None:
    give(base, "8", 4, 1.0)
    add(base, happened(("e1", "zoe", 3, "hidden", None, 1), ("e2", "zoe", 3, "purchased", None, 2)))
    add(base, own(), replace=True)
    assert {user for user, _ in ratings(base)} == {"7", "8"}
    assert ratings(base)[("8", 4)][0] == 1.0
    assert seen(base) == set()
    assert contents(base)["events"] == []
    assert "zoe" not in revisions(base)

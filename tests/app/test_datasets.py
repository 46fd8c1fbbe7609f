"""Import of a release: what it changes, what it never touches."""

import dataclasses
from pathlib import Path

import pytest
from sqlalchemy import insert, inspect, select, text, update
from sqlalchemy.exc import OperationalError

from app.config import Settings
from app.datasets import frames, merging, movies, staging
from app.datasets.repository import imported_dataset
from app.datasets.service import DatasetConflictError, import_release, read_release
from app.db import tables
from app.db.engine import Database
from app.db.limits import JOBS
from app.db.model_versions import active_version
from app.ratings.schemas import MovieRatingRequest, RatingRequest
from app.ratings.service import RatingService
from data.release import Release
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

IMPORTED_AT = 5000


def give(
    database: Database, key: str, movie_id: int, stars: float, seconds: int | None = None
) -> None:
    """Rate through the service, at a moment of choice."""
    service = RatingService(database, 4.0)
    service.put(key, movie_id, RatingRequest(stars=stars))
    if seconds is not None:
        user = select(tables.users.c.id).where(tables.users.c.key == key).scalar_subquery()
        with database.unit_of_work() as connection:
            connection.execute(
                update(tables.ratings)
                .where(tables.ratings.c.user_id == user, tables.ratings.c.movie_id == movie_id)
                .values(rated_at=at(seconds))
            )


def add_movies(database: Database) -> None:
    with database.unit_of_work() as connection:
        rows = [{"id": id_, "title": title, "genres": []} for id_, title in MOVIES.items()]
        connection.execute(insert(tables.movies), rows)


def impatient(database: Database) -> Database:
    """Connect once more, not willing to wait for others."""
    url = database.url.render_as_string(hide_password=False)
    return Database(url, JOBS._replace(lock_s=0.05))


def from_release(database: Database) -> set[tuple[str, int]]:
    """Return user and movie of each rating that came with the release."""
    query = (
        select(tables.users.c.key, tables.ratings.c.movie_id)
        .join(tables.ratings, tables.ratings.c.user_id == tables.users.c.id)
        .where(tables.ratings.c.from_release)
    )
    with database.read() as connection:
        return {(key, movie_id) for key, movie_id in connection.execute(query)}


def activate_a_model(database: Database) -> None:
    with database.unit_of_work() as connection:
        connection.execute(
            insert(tables.model_versions).values(
                version="v1", state="published", card={}, sha256="0", created_at=at(1)
            )
        )
        connection.execute(update(tables.active_model).values(version="v1", generation=1))


def movie_ids(database: Database) -> list[int]:
    with database.read() as connection:
        return list(
            connection.execute(select(tables.movies.c.id).order_by(tables.movies.c.id)).scalars()
        )


def test_an_import_brings_movies_users_and_ratings(database: Database) -> None:
    summary = import_release(database, make_release(), now=at(IMPORTED_AT))
    assert ratings(database) == {
        ("7", 1): (4.0, 1000),
        ("7", 2): (2.5, 1001),
        ("8", 1): (5.0, 1002),
        ("8", 3): (0.5, 1003),
    }
    with database.read() as connection:
        film = connection.execute(select(tables.movies).where(tables.movies.c.id == 1)).one()
        users = connection.execute(
            select(tables.users.c.key, tables.users.c.imported_from).order_by(tables.users.c.id)
        ).all()
        dataset = imported_dataset(connection)
    assert dict(film._mapping) == {  # noqa: SLF001 (SQLAlchemy's public name)
        "id": 1, "key": None, "title": "Toy Story", "year": 1995, "genres": ["Comedy", "Drama"],
        "imdb_id": None, "tmdb_id": 862, "attributes": None, "withdrawn": False,
        "available_from": None, "available_until": None,
    }  # fmt: skip
    assert users == [("7", "small"), ("8", "small")]
    assert dataset is not None
    assert dataset == ("small", make_release().sha256, at(IMPORTED_AT), False)
    assert (summary.n_movies, summary.n_users, summary.n_ratings) == (4, 2, 4)
    assert (summary.n_ratings_written, summary.unchanged) == (4, False)
    assert summary.notice == "Handle with care."


def test_users_get_their_numbers_in_the_order_of_the_file(database: Database) -> None:
    lines: list[Line] = [
        ("zoe", 1, 4.0, 10),
        ("adam", 1, 4.0, 10),
        ("zoe", 2, 4.0, 10),
        ("mia", 1, 4.0, 10),
    ]
    import_release(database, make_release(lines))
    with database.read() as connection:
        keys = (
            connection.execute(select(tables.users.c.key).order_by(tables.users.c.id))
            .scalars()
            .all()
        )
    assert keys == ["zoe", "adam", "mia"]


def test_all_users_of_an_import_get_one_new_revision(database: Database) -> None:
    add_movies(database)
    give(database, "stranger", 1, 3.0)
    import_release(database, make_release())
    assert revisions(database) == {"stranger": 1, "7": 2, "8": 2}


def test_the_same_release_again_changes_nothing(database: Database) -> None:
    import_release(database, make_release(), now=at(IMPORTED_AT))
    before = contents(database)
    summary = import_release(database, make_release())
    assert summary.unchanged
    assert (summary.n_ratings, summary.n_ratings_written) == (4, 0)
    assert contents(database) == before


def test_a_release_that_was_imported_from_a_path_becomes_public_by_a_replacement_alone(
    database: Database,
) -> None:
    """Own data may have been added to it: it is removed then."""
    at_a_path = make_release()
    import_release(database, at_a_path)
    by_name = dataclasses.replace(at_a_path, is_public=True)
    for replace in (False, True):
        assert import_release(database, by_name, replace=replace).unchanged is not replace
        with database.read() as connection:
            dataset = imported_dataset(connection)
        assert dataset is not None
        assert dataset.is_public is replace


def test_a_rating_deleted_since_stays_deleted_when_the_release_comes_again(
    database: Database,
) -> None:
    import_release(database, make_release())
    RatingService(database, 4.0).remove("7", 1)
    import_release(database, make_release())
    assert ("7", 1) not in ratings(database)


@pytest.mark.parametrize(
    "other",
    [make_release(name="other"), make_release([*LINES, (9, 1, 3.0, 1004)])],
    ids=["another name", "another checksum"],
)
def test_another_release_is_refused(database: Database, other: Release) -> None:
    import_release(database, make_release(), now=at(IMPORTED_AT))
    before = contents(database)
    with pytest.raises(DatasetConflictError, match=r"holds .*small, imported on 1970-01-01"):
        import_release(database, other)
    assert contents(database) == before


@pytest.mark.parametrize(
    "given_at",
    [999, 1000, 1001],
    ids=["given earlier", "given at the same moment", "given later"],
)
def test_a_rating_given_through_the_service_is_never_overwritten(
    database: Database, given_at: int
) -> None:
    add_movies(database)
    give(database, "7", 1, 1.0, given_at)
    summary = import_release(database, make_release())
    assert ratings(database)[("7", 1)] == (1.0, given_at)
    assert summary.n_ratings_written == 3


def test_a_like_given_through_the_service_is_not_overwritten_by_stars(database: Database) -> None:
    add_movies(database)
    with database.unit_of_work() as connection:
        connection.execute(insert(tables.users).values(id=1, key="7", ratings_revision=0))
        connection.execute(
            insert(tables.ratings).values(user_id=1, movie_id=1, liked=False, rated_at=at(1))
        )
    import_release(database, make_release())
    assert ratings(database)[("7", 1)] == (False, 1)


def test_what_an_import_wrote_is_marked_until_a_user_rates_it_through_the_service(
    database: Database,
) -> None:
    add_movies(database)
    give(database, "7", 4, 1.0)
    import_release(database, make_release())
    assert from_release(database) == {("7", 1), ("7", 2), ("8", 1), ("8", 3)}
    give(database, "7", 1, 4.0)  # the same stars again
    stated = [MovieRatingRequest(movie_id=1, stars=5.0), MovieRatingRequest(movie_id=2, liked=True)]
    with database.unit_of_work() as connection:
        RatingService(database, 4.0).put_all(connection, "8", stated)
    assert from_release(database) == {("7", 2), ("8", 3)}


def test_a_user_who_was_there_already_does_not_become_one_of_the_release(
    database: Database,
) -> None:
    add_movies(database)
    give(database, "7", 4, 1.0)
    import_release(database, make_release())
    with database.read() as connection:
        origin = dict(
            connection.execute(select(tables.users.c.key, tables.users.c.imported_from)).all()
        )
    assert origin == {"7": None, "8": "small"}
    assert {movie for user, movie in ratings(database) if user == "7"} == {1, 2, 4}


def test_ratings_without_time_carry_that_of_the_import(database: Database) -> None:
    import_release(database, make_release([(7, 1, 4.0, 0)]), now=at(IMPORTED_AT))
    assert ratings(database) == {("7", 1): (4.0, IMPORTED_AT)}


def test_a_rating_without_time_never_takes_the_place_of_another(database: Database) -> None:
    add_movies(database)
    give(database, "7", 1, 1.0, seconds=10)
    import_release(database, make_release([(7, 1, 4.0, 0)]), now=at(IMPORTED_AT))
    assert ratings(database) == {("7", 1): (1.0, 10)}


def test_a_file_cannot_hold_ratings_from_after_its_import(database: Database) -> None:
    import_release(database, make_release([(7, 1, 4.0, 9999)]), now=at(IMPORTED_AT))
    assert ratings(database) == {("7", 1): (4.0, IMPORTED_AT)}


def test_stars_are_stored_as_the_file_writes_them(database: Database) -> None:
    import_release(database, make_release([(7, 1, 3.7, 10), (7, 2, 4.3, 10)]))
    with database.read() as connection:
        high = (
            select(tables.ratings.c.stars)
            .where(tables.ratings.c.stars >= 3.7)
            .order_by(tables.ratings.c.stars)
        )
        assert connection.execute(high).scalars().all() == [3.7, 4.3]


def test_progress_reaches_the_end_of_each_stage(database: Database) -> None:
    calls: list[tuple[str, int, int | None]] = []
    import_release(database, make_release(), progress=lambda *call: calls.append(call))
    assert calls == [("movies", 0, 4), ("movies", 4, 4), ("ratings", 0, 4), ("ratings", 4, 4)]


def test_pieces_of_an_import_make_the_same_as_the_whole(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frames, "CHUNK", 3)
    monkeypatch.setattr(movies, "CHUNK", 3)
    shuffled = [LINES[i] for i in (3, 0, 2, 1)]
    assert import_release(database, make_release(shuffled)).n_ratings_written == 4
    assert len(ratings(database)) == 4
    assert movie_ids(database) == [1, 2, 3, 4]


def test_an_import_leaves_the_schema_as_it_was(database: Database) -> None:
    before = inspect(database.engine).get_indexes("ratings")
    import_release(database, make_release())
    with database.read() as connection:
        inspector = inspect(connection)
        assert inspector.get_indexes("ratings") == before
        assert inspector.get_temp_table_names() == []


def test_an_import_that_fails_at_the_end_changes_nothing(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = contents(database)

    def fail(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("app.datasets.service.next_revision", fail)
    with pytest.raises(OSError, match="disk full"):
        import_release(database, make_release())
    assert contents(database) == before
    monkeypatch.undo()
    import_release(database, make_release())
    assert len(ratings(database)) == 4


def test_readers_see_nothing_of_an_import_before_its_end(database: Database) -> None:
    seen = []
    import_release(database, make_release(), progress=lambda *_: seen.append(ratings(database)))
    assert seen == [{}, {}, {}, {}]


class TestReplacing:
    def test_the_old_release_goes_whole(self, database: Database) -> None:
        import_release(database, make_release(), now=at(IMPORTED_AT))
        lines: list[Line] = [(8, 1, 3.0, 2000), (9, 2, 3.5, 2001)]
        other = make_release(lines, {1: "Alien", 2: "Brazil"}, name="other")
        summary = import_release(database, other, replace=True, now=at(IMPORTED_AT + 1))
        assert (summary.replaced, summary.n_ratings_removed) == ("small", 4)
        assert ratings(database) == {("8", 1): (3.0, 2000), ("9", 2): (3.5, 2001)}
        assert movie_ids(database) == [1, 2]
        with database.read() as connection:
            assert connection.execute(select(tables.datasets.c.name)).scalars().all() == ["other"]
            origins = connection.execute(
                select(tables.users.c.key, tables.users.c.imported_from)
            ).all()
        assert sorted(origins) == [("8", "other"), ("9", "other")]

    def test_a_newer_version_of_the_same_release_replaces_it(self, database: Database) -> None:
        import_release(database, make_release(), now=at(IMPORTED_AT))
        newer = make_release([*LINES[1:], (9, 4, 3.0, 1004)])
        import_release(database, newer, replace=True)
        assert set(ratings(database)) == {("7", 2), ("8", 1), ("8", 3), ("9", 4)}

    def test_the_same_release_is_not_imported_again(self, database: Database) -> None:
        import_release(database, make_release(), now=at(IMPORTED_AT))
        before = contents(database)
        assert import_release(database, make_release(), replace=True).unchanged
        assert contents(database) == before

    def test_an_empty_database_has_nothing_to_replace(self, database: Database) -> None:
        summary = import_release(database, make_release(), replace=True)
        assert (summary.replaced, summary.n_ratings_written) == (None, 4)
        with database.read() as connection:
            assert active_version(connection).generation == 0

    def test_what_was_given_through_the_service_stays(self, database: Database) -> None:
        import_release(database, make_release())
        give(database, "7", 2, 5.0)  # changes an imported rating
        give(database, "8", 4, 1.0)
        give(database, "stranger", 3, 2.0)
        given = {("7", 2): 5.0, ("8", 4): 1.0, ("stranger", 3): 2.0}
        other = make_release([(9, 9, 3.5, 2001)], {9: "Brazil"}, name="other")
        import_release(database, other, replace=True)
        kept = {key: stars for key, (stars, _) in ratings(database).items()}
        assert kept == {**given, ("9", 9): 3.5}
        assert movie_ids(database) == [2, 3, 4, 9]

    @pytest.mark.parametrize("name", ["small", "other"])
    @pytest.mark.parametrize(
        "clock", [(1, 2), (0, 0), (-1000, -2000), (10**9, 0), (2 * 10**9, 3 * 10**9)]
    )
    def test_what_was_given_through_the_service_stays_at_every_replacement(
        self, database: Database, name: str, clock: tuple[int, int]
    ) -> None:
        """Whatever the clock of an import says, and whatever the next release says."""
        import_release(database, make_release(), now=at(IMPORTED_AT))
        give(database, "7", 2, 5.0)
        give(database, "8", 4, 1.0)
        for moved, n_lines in zip(clock, (3, 2), strict=True):
            release = make_release(LINES[:n_lines], name=name)
            import_release(database, release, replace=True, now=at(IMPORTED_AT + moved))
            stars = {key: stars for key, (stars, _) in ratings(database).items()}
            assert stars.pop(("7", 2)) == 5.0
            assert stars.pop(("8", 4)) == 1.0
            assert stars == {("7", 1): 4.0} | ({("8", 1): 5.0} if n_lines == 3 else {})

    @pytest.mark.parametrize("stranger", [False, True], ids=["of a release", "of the service"])
    def test_what_a_release_wrote_under_a_user_who_stayed_goes_with_it(
        self, database: Database, *, stranger: bool
    ) -> None:
        if stranger:
            add_movies(database)
        else:
            import_release(database, make_release(), now=at(IMPORTED_AT))
        give(database, "7", 4, 5.0)
        films = {3: "Heat", 4: "Sabrina", 5: "Alien"}
        other = make_release([(7, 3, 3.5, 2001), (7, 5, 4.5, 2002)], films, name="other")
        import_release(database, other, replace=True, now=at(IMPORTED_AT + 1))
        assert set(ratings(database)) == {("7", 3), ("7", 4), ("7", 5)}
        before = revisions(database)["7"]
        third = make_release([(9, 1, 3.0, 2003)], {1: "Toy Story"}, name="third")
        summary = import_release(database, third, replace=True, now=at(IMPORTED_AT + 2))
        assert summary.n_ratings_removed == 2
        assert set(ratings(database)) == {("7", 4), ("9", 1)}
        assert movie_ids(database) == [1, 4]
        assert revisions(database)["7"] > before

    def test_a_user_of_an_earlier_release_goes_with_the_last_rating(
        self, database: Database
    ) -> None:
        import_release(database, make_release(), now=at(IMPORTED_AT))
        give(database, "7", 1, 5.0)
        import_release(database, make_release([LINES[0]], name="other"), replace=True)
        RatingService(database, 4.0).remove("7", 1)
        assert "7" in revisions(database)
        import_release(database, make_release([LINES[2]], name="third"), replace=True)
        assert revisions(database).keys() == {"8"}

    def test_users_who_lost_or_got_ratings_get_a_new_revision(self, database: Database) -> None:
        import_release(database, make_release(), now=at(IMPORTED_AT))
        give(database, "8", 4, 1.0)
        give(database, "stranger", 3, 2.0)
        other = make_release([(9, 9, 3.5, 2001)], {9: "Brazil"}, name="other")
        import_release(database, other, replace=True)
        assert revisions(database) == {"8": 4, "stranger": 3, "9": 4}

    def test_the_model_of_the_old_release_is_no_longer_served(self, database: Database) -> None:
        import_release(database, make_release(), now=at(IMPORTED_AT))
        activate_a_model(database)
        import_release(database, make_release(name="other"), replace=True)
        with database.read() as connection:
            assert active_version(connection) == (None, "v1", 2)

    def test_no_user_rates_between_removal_and_import(self, database: Database) -> None:
        import_release(database, make_release(), now=at(IMPORTED_AT))
        give(database, "stranger", 3, 2.0)
        other = impatient(database)
        blocked = []

        def try_to_rate(*_: object) -> None:
            with pytest.raises(OperationalError, match="lock"):
                give(other, "another stranger", 3, 5.0)
            blocked.append(1)

        import_release(database, make_release(name="other"), replace=True, progress=try_to_rate)
        assert len(blocked) == 4
        give(other, "another stranger", 3, 5.0)
        other.dispose()

    @pytest.mark.parametrize(
        ("films", "year", "message"),
        [
            ({1: "Alien", 4: "Brazil"}, 1985, r"movie 4 is 'Brazil' \(1985\) in other, but 'Sa"),
            ({1: "Alien", 4: "Sabrina"}, 1954, r"movie 4 is 'Sabrina' \(1954\) in other"),
        ],
        ids=["another title", "another year"],
    )
    def test_a_rating_that_stays_may_not_become_one_of_another_movie(
        self, database: Database, films: dict[int, str], year: int, message: str
    ) -> None:
        import_release(database, make_release(), now=at(IMPORTED_AT))
        activate_a_model(database)
        give(database, "7", 4, 5.0)
        before = contents(database)
        other = make_release([(9, 1, 3.5, 2001)], films, name="other", year=year)
        with pytest.raises(DatasetConflictError, match=message):
            import_release(database, other, replace=True)
        assert contents(database) == before

    def test_the_same_movie_may_stay_with_better_details(self, database: Database) -> None:
        import_release(database, make_release(year=None), now=at(IMPORTED_AT))
        give(database, "7", 4, 5.0)
        import_release(database, make_release(name="other"), replace=True)
        with database.read() as connection:
            year = connection.execute(
                select(tables.movies.c.year).where(tables.movies.c.id == 4)
            ).scalar_one()
        assert year == 1995


def test_a_movie_of_the_service_that_a_user_rated_is_not_renamed(database: Database) -> None:
    with database.unit_of_work() as connection:
        connection.execute(insert(tables.movies).values(id=4, title="Brazil", genres=[]))
    give(database, "7", 4, 5.0)
    with pytest.raises(DatasetConflictError, match="movie 4 is 'Sabrina'"):
        import_release(database, make_release())


def test_a_movie_without_ratings_takes_the_details_of_the_release(database: Database) -> None:
    with database.unit_of_work() as connection:
        connection.execute(insert(tables.movies).values(id=4, title="Brazil", genres=[]))
    import_release(database, make_release())
    with database.read() as connection:
        title = connection.execute(
            select(tables.movies.c.title).where(tables.movies.c.id == 4)
        ).scalar_one()
    assert title == "Sabrina"


def test_a_release_without_titles_leaves_those_of_the_service(database: Database) -> None:
    with database.unit_of_work() as connection:
        held = {"id": 4, "title": "Brazil", "year": 1985, "genres": []}
        connection.execute(insert(tables.movies).values(**held))
    give(database, "7", 4, 5.0)
    titles = {id_: f"Movie {id_}" for id_ in (1, 2, 3, 4)}
    for name in ("small", "other"):
        import_release(database, make_release(titles=titles, name=name, year=None), replace=True)
        with database.read() as connection:
            query = select(tables.movies.c.title, tables.movies.c.year).order_by(tables.movies.c.id)
            movies = list(map(tuple, connection.execute(query)))
        assert movies == [*((f"Movie {id_}", None) for id_ in (1, 2, 3)), ("Brazil", 1985)]


def test_two_imports_at_once_come_one_after_the_other(database: Database) -> None:
    other = impatient(database)
    blocked = []

    def try_to_import(*_: object) -> None:
        with pytest.raises(OperationalError, match="lock"):
            import_release(other, make_release(name="other"))
        blocked.append(1)

    import_release(database, make_release(), progress=try_to_import)
    assert len(blocked) == 4
    assert import_release(other, make_release()).unchanged
    other.dispose()


def test_users_go_on_rating_during_an_import_on_postgresql(database: Database) -> None:
    if database.is_sqlite:
        pytest.skip("SQLite has one writer at a time: ratings wait for the end of an import")
    add_movies(database)
    stars = iter((1.0, 2.0, 3.0, 4.0))
    import_release(
        database,
        make_release(),
        now=at(IMPORTED_AT),
        progress=lambda *_: give(database, "stranger", 1, next(stars)),
    )
    assert ratings(database)[("stranger", 1)][0] == 4.0
    assert revisions(database) == {"stranger": 4, "7": 5, "8": 5}


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_ratings_that_are_stored_are_looked_up_by_their_keys(database: Database) -> None:
    """The planner knows nothing of a table that is being filled: it would read all of it."""
    query = """EXPLAIN DELETE FROM staged_ratings AS s WHERE EXISTS
        (SELECT FROM ratings AS r WHERE r.user_id = s.user_id AND r.movie_id = s.movie_id)"""
    with database.unit_of_work() as connection:
        staging.begin(connection)
        with merging.bulk(connection, tables.ratings, 1_000_000):
            plan = " ".join(connection.execute(text(query)).scalars())
        again = " ".join(connection.execute(text(query)).scalars())
    assert "using pk_ratings" in plan
    assert "Seq Scan on ratings" not in plan
    assert plan != again  # other statements of the transaction may read whole tables


def test_a_release_is_found_by_its_name(database: Database, tmp_path: Path) -> None:
    folder = tmp_path / "ml-latest-small"
    folder.mkdir()
    (folder / "ratings.csv").write_text("userId,movieId,rating,timestamp\n1,1,4.0,964982703\n")
    (folder / "movies.csv").write_text("movieId,title,genres\n1,Toy Story (1995),Comedy\n")
    settings = Settings(datasets_dir=tmp_path)
    summary = import_release(database, read_release(settings, "ml-latest-small"))
    assert (summary.name, summary.n_ratings) == ("ml-latest-small", 1)
    assert ratings(database) == {("1", 1): (4.0, 964982703)}

"""The database tables; only Alembic (``migrations/``) makes and changes them.

A class describes the columns of the table below it, for `users.c.key`. SQLAlchemy's ORM is not
used.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    Dialect,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Named,
    String,
    Table,
    TypedColumns,
    TypeDecorator,
    false,
)
from sqlalchemy.types import TypeEngine

# BIGINT keys; SQLite has automatic keys only as INTEGER (64 bits there anyway).
BigKey = BigInteger().with_variant(Integer(), "sqlite")


class UtcDateTime(TypeDecorator[datetime]):
    """A moment in UTC, whole seconds: TIMESTAMPTZ on PostgreSQL, Unix seconds on SQLite."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Store an integer on SQLite."""
        return Integer() if dialect.name == "sqlite" else DateTime(timezone=True)

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        """Refuse a moment without time zone, which would depend on the machine."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value!r} has no time zone")
        return int(value.timestamp()) if dialect.name == "sqlite" else value.replace(microsecond=0)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """Return the moment in UTC."""
        if value is None:
            return None
        return (
            datetime.fromtimestamp(value, UTC)
            if dialect.name == "sqlite"
            else value.astimezone(UTC)
        )


class Document(TypeDecorator[dict[str, Any]]):
    """A JSON object; JSONB on PostgreSQL."""

    impl = JSON
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Choose the type; those of PostgreSQL are imported only for it."""
        if dialect.name != "postgresql":
            return JSON(none_as_null=True)
        from sqlalchemy.dialects.postgresql import JSONB  # noqa: PLC0415

        return JSONB(none_as_null=True)


metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class InstallationColumns(TypedColumns):
    """One row of values that exist once per database.

    `holdout_salt` decides which users are held out of training (`data.splitting.holdout_groups`).
    `ratings_revision` is the number of the last transaction that changed ratings. It is drawn by
    updating this row, so that writers wait and the numbers commit in their order.
    `movies_revision` is drawn in the same way for changes of movies, `rules_revision` for those of
    scenarios and experiments.
    """

    id: Named[int] = Column(primary_key=True, autoincrement=False)
    holdout_salt: Named[str] = Column(String(64))
    ratings_revision: Named[int] = Column(BigInteger)
    movies_revision: Named[int] = Column(BigInteger, server_default="0")
    rules_revision: Named[int] = Column(BigInteger, server_default="0")


installation = Table(
    "installation", metadata, InstallationColumns, CheckConstraint("id = 1", name="one_row")
)


class DatasetColumns(TypedColumns):
    """The imported release; a database holds one."""

    name: Named[str] = Column(String(255), primary_key=True)
    sha256: Named[str] = Column(String(64))
    imported_at: Named[datetime] = Column(UtcDateTime)
    is_public: Named[bool]  # its users may be shown to anonymous clients: MovieLens, the sample


datasets = Table("datasets", metadata, DatasetColumns)


class UserColumns(TypedColumns):
    """A user. `key` is the name used by clients; it is opaque."""

    id: Named[int] = Column(BigKey, primary_key=True)
    key: Named[str] = Column(String(128), unique=True)
    ratings_revision: Named[int] = Column(BigInteger)
    imported_from: Named[str | None] = Column(String(255))


users = Table("users", metadata, UserColumns, Index(None, "ratings_revision"))


class MovieColumns(TypedColumns):
    """A movie. Its id follows from the key of the client (`data.movie_keys`).

    `key` is null where the key is a whole number: the id itself. Lists have the movie unless it is
    withdrawn, and only from `available_from` until before `available_until`, where these are set.
    """

    id: Named[int] = Column(BigKey, primary_key=True, autoincrement=False)
    title: Named[str] = Column(String(500))
    year: Named[int | None]
    genres: Named[list[str]] = Column(JSON)
    imdb_id: Named[int | None]
    tmdb_id: Named[int | None]
    key: Named[str | None] = Column(String(200))
    # Further attributes by name: a text, a number, or a list of texts (tags).
    attributes: Named[dict[str, Any] | None] = Column(Document)
    withdrawn: Named[bool] = Column(server_default=false())
    available_from: Named[datetime | None] = Column(UtcDateTime)
    available_until: Named[datetime | None] = Column(UtcDateTime)


movies = Table("movies", metadata, MovieColumns, Index(None, "key", unique=True))


class RatingColumns(TypedColumns):
    """One rating: stars if stars were given, `liked` only if it was given alone.

    `from_release` is true if an import wrote the rating and the service has not changed it since:
    it is deleted with its release. Other ratings stay. `implied_by` is the kind of the event from
    which a like or dislike was inferred, null for an opinion that the user gave.
    """

    user_id: Named[int] = Column(
        BigKey, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    movie_id: Named[int] = Column(
        BigKey, ForeignKey("movies.id"), primary_key=True, autoincrement=False
    )
    stars: Named[float | None] = Column(Double)
    liked: Named[bool | None]
    rated_at: Named[datetime] = Column(UtcDateTime)
    from_release: Named[bool] = Column(server_default=false())
    implied_by: Named[str | None] = Column(String(20))


ratings = Table(
    "ratings",
    metadata,
    RatingColumns,
    CheckConstraint("(stars IS NULL) <> (liked IS NULL)", name="exactly_one_given"),
    CheckConstraint("stars BETWEEN 0.5 AND 5", name="stars_in_range"),
    Index(None, "movie_id"),
    # On SQLite the table is stored in its key, which takes half the space.
    sqlite_with_rowid=False,
)


class SeenMovieColumns(TypedColumns):
    """A movie that is not recommended to a user again, rated or not; `hidden`: they do not want it.

    `from_release` is as in `RatingColumns`.
    """

    user_id: Named[int] = Column(
        BigKey, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    movie_id: Named[int] = Column(
        BigKey, ForeignKey("movies.id"), primary_key=True, autoincrement=False
    )
    hidden: Named[bool]
    seen_at: Named[datetime] = Column(UtcDateTime)
    from_release: Named[bool] = Column(server_default=false())


seen_movies = Table(
    "seen_movies",
    metadata,
    SeenMovieColumns,
    Index(None, "movie_id"),
    sqlite_with_rowid=False,
)


class EventColumns(TypedColumns):
    """What a user did with a movie; `app.events.kinds` has the kinds and what they imply.

    `event_id` is the client's, or follows from the other columns. `value` is the number of stars of
    `rated` and the share that was watched of `watched`, null of other kinds.
    """

    event_id: Named[str] = Column(String(100), primary_key=True)
    user_id: Named[int] = Column(BigKey, ForeignKey("users.id", ondelete="CASCADE"))
    movie_id: Named[int] = Column(BigKey, ForeignKey("movies.id"))
    kind: Named[str] = Column(String(20))
    value: Named[float | None] = Column(Double)
    occurred_at: Named[datetime] = Column(UtcDateTime)
    from_release: Named[bool] = Column(server_default=false())


events = Table(
    "events",
    metadata,
    EventColumns,
    Index(None, "user_id", "occurred_at", "event_id"),
    Index(None, "movie_id"),
    sqlite_with_rowid=False,
)


class ModelVersionColumns(TypedColumns):
    """A published model; its files are in the models folder under the same name."""

    version: Named[str] = Column(String(40), primary_key=True)
    state: Named[str] = Column(String(20))
    card: Named[dict[str, Any]] = Column(Document)
    sha256: Named[str] = Column(String(64))
    created_at: Named[datetime] = Column(UtcDateTime)


model_versions = Table("model_versions", metadata, ModelVersionColumns)


class ActiveModelColumns(TypedColumns):
    """One row: the active version, the one before it, and the number of changes so far."""

    id: Named[int] = Column(primary_key=True, autoincrement=False)
    version: Named[str | None] = Column(String(40), ForeignKey("model_versions.version"))
    previous: Named[str | None] = Column(String(40), ForeignKey("model_versions.version"))
    generation: Named[int]


active_model = Table(
    "active_model", metadata, ActiveModelColumns, CheckConstraint("id = 1", name="one_row")
)


class ApiKeyColumns(TypedColumns):
    """An API key: the hash of its secret, found by its public prefix."""

    prefix: Named[str] = Column(String(16), primary_key=True)
    sha256: Named[str] = Column(String(64))
    scopes: Named[list[str]] = Column(JSON)
    name: Named[str] = Column(String(100))
    created_at: Named[datetime] = Column(UtcDateTime)
    revoked_at: Named[datetime | None] = Column(UtcDateTime)


api_keys = Table("api_keys", metadata, ApiKeyColumns)


class ErasureColumns(TypedColumns):
    """A user was erased; a hash of the key recognises them in a back-up (`app.backup.erasures`).

    A model that was trained on an earlier revision may remember the user; a later one does not.
    """

    id: Named[int] = Column(BigKey, primary_key=True)
    erased_at: Named[datetime] = Column(UtcDateTime)
    ratings_revision: Named[int] = Column(BigInteger)
    key_hmac: Named[str | None] = Column(String(64))  # null where an earlier version erased


erasures = Table("erasures", metadata, ErasureColumns, Index(None, "ratings_revision"))


class TrainingRunColumns(TypedColumns):
    """A training that is requested, in progress or finished; `app.jobs.schemas` has the states.

    `in_progress` is true or null, and unique: the database allows one at a time.
    """

    id: Named[int] = Column(BigKey, primary_key=True)
    state: Named[str] = Column(String(20))
    in_progress: Named[bool | None] = Column(unique=True)
    requested_by: Named[str] = Column(String(128))
    requested_at: Named[datetime] = Column(UtcDateTime)
    started_at: Named[datetime | None] = Column(UtcDateTime)
    finished_at: Named[datetime | None] = Column(UtcDateTime)
    holder: Named[str | None] = Column(String(255))
    heartbeat_at: Named[datetime | None] = Column(UtcDateTime)
    lease_until: Named[datetime] = Column(UtcDateTime)  # renewed by a live holder
    options: Named[dict[str, Any]] = Column(Document)
    progress: Named[dict[str, Any]] = Column(Document)
    version: Named[str | None] = Column(String(40))  # of the candidate, while its row exists
    figures: Named[dict[str, Any] | None] = Column(Document)
    error: Named[str | None] = Column(String(1000))


training_runs = Table(
    "training_runs",
    metadata,
    TrainingRunColumns,
    CheckConstraint("in_progress IS NULL OR in_progress", name="true_or_null"),
)


class BackupColumns(TypedColumns):
    """A back-up that is kept: begun, written, finished; `app.backup.repository` has the rules.

    Only the newest row can be unfinished: it is tried again until it succeeds.
    """

    id: Named[int] = Column(BigKey, primary_key=True)
    due_at: Named[datetime | None] = Column(UtcDateTime)  # null: not by the schedule
    started_at: Named[datetime] = Column(UtcDateTime)  # when the ratings were read
    finished_at: Named[datetime | None] = Column(UtcDateTime)  # written, read again, copied
    next_at: Named[datetime | None] = Column(UtcDateTime)  # the next one; the next attempt
    name: Named[str] = Column(String(255))  # of the file, without its folder
    bytes: Named[int | None] = Column(BigInteger)  # null until it is written
    failures: Named[int] = Column(Integer, server_default="0")
    error: Named[str | None] = Column(String(1000))  # of the last attempt
    holder: Named[str | None] = Column(String(128))  # the process that works on it
    lease_until: Named[datetime | None] = Column(UtcDateTime)


backups = Table("backups", metadata, BackupColumns)


class AdminSessionColumns(TypedColumns):
    """A session on the operators' pages: the hash of its cookie."""

    sha256: Named[str] = Column(String(64), primary_key=True)
    key_prefix: Named[str] = Column(String(16), ForeignKey("api_keys.prefix", ondelete="CASCADE"))
    created_at: Named[datetime] = Column(UtcDateTime)
    expires_at: Named[datetime] = Column(UtcDateTime)  # each use extends it


admin_sessions = Table("admin_sessions", metadata, AdminSessionColumns)


class SharedCountsColumns(TypedColumns):
    """One row at most: likes and ratings of each movie, counted by one worker for all.

    It follows from the ratings, and is made anew if missing. `generation` names these counts. A
    worker that begins to count writes a new name to `claimed`, and stores the counts only if the
    name is still there: then it is the next generation.
    """

    id: Named[int] = Column(primary_key=True, autoincrement=False)
    generation: Named[str] = Column(String(32))
    claimed: Named[str] = Column(String(32))
    begun_at: Named[datetime] = Column(UtcDateTime)  # of the last count
    took_s: Named[float] = Column(Double)
    ratings_revision: Named[int] = Column(BigInteger)  # of the counted ratings
    dataset_sha256: Named[str | None] = Column(String(64))
    imported_at: Named[datetime | None] = Column(UtcDateTime)
    like_threshold: Named[float] = Column(Double)
    n_users: Named[int] = Column(BigInteger)
    # Behind the columns before, so that SQLite reads those without it; see `app.live.counts`.
    counts: Named[bytes] = Column(LargeBinary)
    # Of the latest share of the ratings. The version before leaves these columns as they are, so
    # they are valid only for the generation that they name.
    recent_generation: Named[str | None] = Column(String(32))
    recent_share: Named[float | None] = Column(Double)
    recent_likes: Named[bytes | None] = Column(LargeBinary)
    # Likes of the last days by time, in the same way (`app.live.trends`).
    trend_generation: Named[str | None] = Column(String(32))
    trend_likes: Named[bytes | None] = Column(LargeBinary)


shared_counts = Table(
    "shared_counts", metadata, SharedCountsColumns, CheckConstraint("id = 1", name="one_row")
)


class AnsweredRequestColumns(TypedColumns):
    """A request with an `Idempotency-Key`, and its response (`app.db.answered_requests`).

    Written in the transaction of the request. `request_sha256` tells the same request from another
    one with the same key.
    """

    key_sha256: Named[str] = Column(String(64), primary_key=True)
    request_sha256: Named[str] = Column(String(64))
    user_id: Named[int | None] = Column(BigKey, ForeignKey("users.id", ondelete="CASCADE"))
    answered_at: Named[datetime] = Column(UtcDateTime)
    status: Named[int]
    response: Named[bytes] = Column(LargeBinary)  # its body, compressed


answered_requests = Table(
    "answered_requests",
    metadata,
    AnsweredRequestColumns,
    Index(None, "user_id"),
    Index(None, "answered_at"),
)


class ScenarioVersionColumns(TypedColumns):
    """A scenario as it was changed once; the latest version counts. Rows are only added.

    `definition` is a `ScenarioDefinition` (`app.live.rules`), null where the scenario was deleted.
    """

    name: Named[str] = Column(String(64), primary_key=True)
    version: Named[int] = Column(primary_key=True, autoincrement=False)
    definition: Named[dict[str, Any] | None] = Column(Document)
    changed_at: Named[datetime] = Column(UtcDateTime)
    changed_by: Named[str] = Column(String(128))


scenario_versions = Table("scenario_versions", metadata, ScenarioVersionColumns)


class ExperimentColumns(TypedColumns):
    """An experiment; `app.live.rules.ExperimentDefinition` is its definition.

    `salt` decides the arm of each user. `winner` is the arm that was promoted at the end.
    """

    name: Named[str] = Column(String(64), primary_key=True)
    state: Named[str] = Column(String(20))
    definition: Named[dict[str, Any]] = Column(Document)
    salt: Named[str] = Column(String(64))
    begun_at: Named[datetime] = Column(UtcDateTime)
    ended_at: Named[datetime | None] = Column(UtcDateTime)
    winner: Named[str | None] = Column(String(64))


experiments = Table("experiments", metadata, ExperimentColumns)


class FeedbackColumns(TypedColumns):
    """What came of a movie in a list: shown, clicked, watched or dismissed.

    Model, scenario, experiment and arm are those of the list, from its `recommendation_id`; `place`
    is where the client showed it. `user_id` is null for ratings that came with the request.
    `recorded_ms` is when it was recorded, in Unix milliseconds.
    """

    feedback_id: Named[str] = Column(String(100), primary_key=True)
    user_id: Named[int | None] = Column(BigKey, ForeignKey("users.id", ondelete="CASCADE"))
    movie_id: Named[int] = Column(BigKey, ForeignKey("movies.id", ondelete="CASCADE"))
    kind: Named[str] = Column(String(20))
    model: Named[str | None] = Column(String(40))
    scenario: Named[str | None] = Column(String(64))
    experiment: Named[str | None] = Column(String(64))
    arm: Named[str | None] = Column(String(64))
    place: Named[str | None] = Column(String(64))
    occurred_at: Named[datetime] = Column(UtcDateTime)
    recorded_ms: Named[int] = Column(BigInteger)


feedback = Table(
    "feedback",
    metadata,
    FeedbackColumns,
    Index(None, "user_id", "occurred_at"),
    Index(None, "movie_id"),
    Index(None, "occurred_at"),
    Index(None, "experiment", "user_id"),
    sqlite_with_rowid=False,
)


class NightlyListColumns(TypedColumns):
    """A movie of a nightly list (`app.nightly`), for programs that read lists from the database.

    `scenario` is empty for lists without one. `made_at` is when the list was made. Lists follow
    from other tables, and back-ups leave them out.
    """

    user_id: Named[int] = Column(
        BigKey, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    scenario: Named[str] = Column(String(64), primary_key=True)
    position: Named[int] = Column(primary_key=True, autoincrement=False)  # 1 is the first
    movie_id: Named[int] = Column(BigKey)
    score: Named[float] = Column(Double)
    like_probability: Named[float] = Column(Double)
    source: Named[str] = Column(String(20))
    recommendation_id: Named[str] = Column(String(400))
    made_at: Named[datetime] = Column(UtcDateTime)


nightly_lists = Table("nightly_lists", metadata, NightlyListColumns, sqlite_with_rowid=False)


class AuditColumns(TypedColumns):
    """Who did what, and when (`app.db.audit`). Triggers refuse to change or delete a row."""

    id: Named[int] = Column(BigKey, primary_key=True)
    at: Named[datetime] = Column(UtcDateTime)
    who: Named[str] = Column(String(128))
    action: Named[str] = Column(String(40))
    subject: Named[str | None] = Column(String(255))
    detail: Named[dict[str, Any] | None] = Column(Document)


audit_log = Table("audit_log", metadata, AuditColumns)

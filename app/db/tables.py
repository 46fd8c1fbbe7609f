"""The database tables. Alembic (``migrations/``) alone makes and changes them.

A class describes the columns of the table below it, which has them as `users.c.key`. There are no
mapped objects, and SQLAlchemy's ORM is never loaded.
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

# BIGINT keys in production; SQLite knows an automatic key only as INTEGER (64 bits there anyway).
BigKey = BigInteger().with_variant(Integer(), "sqlite")


class UtcDateTime(TypeDecorator[datetime]):
    """A moment in UTC, whole seconds: TIMESTAMPTZ on PostgreSQL, Unix seconds on SQLite."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Store an integer where the database has no type for a moment."""
        return Integer() if dialect.name == "sqlite" else DateTime(timezone=True)

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        """Refuse a moment without time zone; it would mean something else on every machine."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value!r} has no time zone")
        return int(value.timestamp()) if dialect.name == "sqlite" else value.replace(microsecond=0)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """Give every moment back in UTC."""
        if value is None:
            return None
        return (
            datetime.fromtimestamp(value, UTC)
            if dialect.name == "sqlite"
            else value.astimezone(UTC)
        )


class Document(TypeDecorator[dict[str, Any]]):
    """A JSON object; JSONB on PostgreSQL, whose types only who uses it has to load."""

    impl = JSON
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Store what can be looked into where the database has a type for it."""
        if dialect.name != "postgresql":
            return JSON()
        from sqlalchemy.dialects.postgresql import JSONB  # noqa: PLC0415

        return JSONB()


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
    """One row: what is fixed or counted once per database.

    `holdout_salt` decides for good who is held out of training (`data.splitting.holdout_groups`).
    `ratings_revision` is the last number given to a transaction that changed ratings. It is drawn
    by updating this row, so writers queue for it and the numbers commit in their order.
    `movies_revision` is drawn in the same way by whoever changes movies through the service.
    """

    id: Named[int] = Column(primary_key=True, autoincrement=False)
    holdout_salt: Named[str] = Column(String(64))
    ratings_revision: Named[int] = Column(BigInteger)
    movies_revision: Named[int] = Column(BigInteger, server_default="0")


installation = Table(
    "installation", metadata, InstallationColumns, CheckConstraint("id = 1", name="one_row")
)


class DatasetColumns(TypedColumns):
    """The release that was imported; a database holds one."""

    name: Named[str] = Column(String(255), primary_key=True)
    sha256: Named[str] = Column(String(64))
    imported_at: Named[datetime] = Column(UtcDateTime)
    is_public: Named[bool]  # anybody may look at its users: MovieLens, or the bundled sample


datasets = Table("datasets", metadata, DatasetColumns)


class UserColumns(TypedColumns):
    """Somebody who rates. `key` is the name used outside; it is opaque."""

    id: Named[int] = Column(BigKey, primary_key=True)
    key: Named[str] = Column(String(128), unique=True)
    ratings_revision: Named[int] = Column(BigInteger)
    imported_from: Named[str | None] = Column(String(255))


users = Table("users", metadata, UserColumns, Index(None, "ratings_revision"))


class MovieColumns(TypedColumns):
    """A movie, under its MovieLens id."""

    id: Named[int] = Column(primary_key=True, autoincrement=False)
    title: Named[str] = Column(String(500))
    year: Named[int | None]
    genres: Named[list[str]] = Column(JSON)
    imdb_id: Named[int | None]
    tmdb_id: Named[int | None]


movies = Table("movies", metadata, MovieColumns)


class RatingColumns(TypedColumns):
    """One rating: stars where stars were given, `liked` only where it was given alone.

    `from_release` is true for what an import wrote and nobody has rated through the service since:
    it goes with its release. All else stays.
    """

    user_id: Named[int] = Column(
        BigKey, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    movie_id: Named[int] = Column(ForeignKey("movies.id"), primary_key=True, autoincrement=False)
    stars: Named[float | None] = Column(Double)
    liked: Named[bool | None]
    rated_at: Named[datetime] = Column(UtcDateTime)
    from_release: Named[bool] = Column(server_default=false())


ratings = Table(
    "ratings",
    metadata,
    RatingColumns,
    CheckConstraint("(stars IS NULL) <> (liked IS NULL)", name="exactly_one_given"),
    CheckConstraint("stars BETWEEN 0.5 AND 5", name="stars_in_range"),
    Index(None, "movie_id"),
    # The key is the table on SQLite: without row numbers of its own it is half the size.
    sqlite_with_rowid=False,
)


class ModelVersionColumns(TypedColumns):
    """A published artifact; its weights lie in the models folder under the same name."""

    version: Named[str] = Column(String(40), primary_key=True)
    state: Named[str] = Column(String(20))
    card: Named[dict[str, Any]] = Column(Document)
    sha256: Named[str] = Column(String(64))
    created_at: Named[datetime] = Column(UtcDateTime)


model_versions = Table("model_versions", metadata, ModelVersionColumns)


class ActiveModelColumns(TypedColumns):
    """One row: the version that is served, the one before it, and how often it has changed."""

    id: Named[int] = Column(primary_key=True, autoincrement=False)
    version: Named[str | None] = Column(String(40), ForeignKey("model_versions.version"))
    previous: Named[str | None] = Column(String(40), ForeignKey("model_versions.version"))
    generation: Named[int]


active_model = Table(
    "active_model", metadata, ActiveModelColumns, CheckConstraint("id = 1", name="one_row")
)


class ApiKeyColumns(TypedColumns):
    """A key of the API: the hash of its secret, looked up by its public prefix."""

    prefix: Named[str] = Column(String(16), primary_key=True)
    sha256: Named[str] = Column(String(64))
    scopes: Named[list[str]] = Column(JSON)
    name: Named[str] = Column(String(100))
    created_at: Named[datetime] = Column(UtcDateTime)
    revoked_at: Named[datetime | None] = Column(UtcDateTime)


api_keys = Table("api_keys", metadata, ApiKeyColumns)


class ErasureColumns(TypedColumns):
    """Somebody was erased; nothing tells who.

    A model that was trained on an earlier revision may remember them; one of a later does not.
    """

    id: Named[int] = Column(BigKey, primary_key=True)
    erased_at: Named[datetime] = Column(UtcDateTime)
    ratings_revision: Named[int] = Column(BigInteger)


erasures = Table("erasures", metadata, ErasureColumns, Index(None, "ratings_revision"))


class TrainingRunColumns(TypedColumns):
    """A training that was asked for, is under way or has ended; `app.jobs.runs` has the states.

    `in_progress` is true or null, and unique: the database itself admits one at a time.
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
    lease_until: Named[datetime] = Column(UtcDateTime)  # a holder that is alive renews it
    options: Named[dict[str, Any]] = Column(Document)
    progress: Named[dict[str, Any]] = Column(Document)
    version: Named[str | None] = Column(String(40))  # the candidate, while its row exists
    figures: Named[dict[str, Any] | None] = Column(Document)
    error: Named[str | None] = Column(String(1000))


training_runs = Table(
    "training_runs",
    metadata,
    TrainingRunColumns,
    CheckConstraint("in_progress IS NULL OR in_progress", name="true_or_null"),
)


class AdminSessionColumns(TypedColumns):
    """Somebody signed in on the operators' pages: the hash of what their cookie holds."""

    sha256: Named[str] = Column(String(64), primary_key=True)
    key_prefix: Named[str] = Column(String(16), ForeignKey("api_keys.prefix", ondelete="CASCADE"))
    created_at: Named[datetime] = Column(UtcDateTime)
    expires_at: Named[datetime] = Column(UtcDateTime)  # each use puts it off


admin_sessions = Table("admin_sessions", metadata, AdminSessionColumns)


class SharedCountsColumns(TypedColumns):
    """One row at most: what people think of movies, counted by one worker for all.

    It is derived from the ratings, and made anew where it is missing. `generation` names these
    counts. Whoever begins to count writes a name of their own to `claimed`, and puts the counts in
    place only if it is still there: then it is the next generation.
    """

    id: Named[int] = Column(primary_key=True, autoincrement=False)
    generation: Named[str] = Column(String(32))
    claimed: Named[str] = Column(String(32))
    begun_at: Named[datetime] = Column(UtcDateTime)  # when counting was begun the last time
    took_s: Named[float] = Column(Double)
    ratings_revision: Named[int] = Column(BigInteger)  # of the ratings that were counted
    dataset_sha256: Named[str | None] = Column(String(64))
    imported_at: Named[datetime | None] = Column(UtcDateTime)
    like_threshold: Named[float] = Column(Double)
    n_users: Named[int] = Column(BigInteger)
    # Last, so that SQLite reads the others without it; see `app.live.counts`.
    counts: Named[bytes] = Column(LargeBinary)


shared_counts = Table(
    "shared_counts", metadata, SharedCountsColumns, CheckConstraint("id = 1", name="one_row")
)

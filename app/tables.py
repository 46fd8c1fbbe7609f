"""The database tables. Alembic (``migrations/``) alone makes and changes them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    DateTime,
    Dialect,
    Double,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    TypeDecorator,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeEngine

# BIGINT keys in production; SQLite knows an automatic key only as INTEGER (64 bits there anyway).
BigKey = BigInteger().with_variant(Integer(), "sqlite")
Document = JSON().with_variant(JSONB(), "postgresql")


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


class Base(DeclarativeBase):
    """All tables, with one naming convention for their constraints."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class Installation(Base):
    """One row: what is fixed or counted once per database.

    `holdout_salt` decides for good who is held out of training (`data.splitting.holdout_groups`).
    `ratings_revision` is the last number given to a transaction that changed ratings. It is drawn
    by updating this row, so writers queue for it and the numbers commit in their order.
    `movies_revision` is drawn in the same way by whoever changes films through the service.
    """

    __tablename__ = "installation"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    holdout_salt: Mapped[str] = mapped_column(String(64))
    ratings_revision: Mapped[int] = mapped_column(BigInteger)
    movies_revision: Mapped[int] = mapped_column(BigInteger, server_default="0")


class Dataset(Base):
    """The release that was imported; a database holds one."""

    __tablename__ = "datasets"

    name: Mapped[str] = mapped_column(String(255), primary_key=True)
    sha256: Mapped[str] = mapped_column(String(64))
    imported_at: Mapped[datetime] = mapped_column(UtcDateTime)
    is_public: Mapped[bool]  # anybody may look at its users: MovieLens, or the bundled sample


class User(Base):
    """Somebody who rates. `key` is the name used outside; it is opaque."""

    __tablename__ = "users"
    __table_args__ = (Index(None, "ratings_revision"),)

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    key: Mapped[str] = mapped_column(String(128), unique=True)
    ratings_revision: Mapped[int] = mapped_column(BigInteger)
    imported_from: Mapped[str | None] = mapped_column(String(255))


class Movie(Base):
    """A film, under its MovieLens id."""

    __tablename__ = "movies"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    title: Mapped[str] = mapped_column(String(500))
    year: Mapped[int | None]
    genres: Mapped[list[str]] = mapped_column(JSON)
    imdb_id: Mapped[int | None]
    tmdb_id: Mapped[int | None]


class Rating(Base):
    """One opinion: stars where stars were given, `liked` only where it was given alone."""

    __tablename__ = "ratings"
    __table_args__ = (
        CheckConstraint("(stars IS NULL) <> (liked IS NULL)", name="exactly_one_given"),
        CheckConstraint("stars BETWEEN 0.5 AND 5", name="stars_in_range"),
        Index(None, "movie_id"),
        # The key is the table on SQLite: without row numbers of its own it is half the size.
        {"sqlite_with_rowid": False},
    )

    user_id: Mapped[int] = mapped_column(
        BigKey, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    movie_id: Mapped[int] = mapped_column(
        ForeignKey("movies.id"), primary_key=True, autoincrement=False
    )
    stars: Mapped[float | None] = mapped_column(Double)
    liked: Mapped[bool | None]
    rated_at: Mapped[datetime] = mapped_column(UtcDateTime)


class ModelVersion(Base):
    """A published artifact; its weights lie in the models folder under the same name."""

    __tablename__ = "model_versions"

    version: Mapped[str] = mapped_column(String(40), primary_key=True)
    state: Mapped[str] = mapped_column(String(20))
    card: Mapped[dict[str, Any]] = mapped_column(Document)
    sha256: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class ActiveModel(Base):
    """One row: the version that is served, the one before it, and how often it has changed."""

    __tablename__ = "active_model"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    version: Mapped[str | None] = mapped_column(ForeignKey("model_versions.version"))
    previous: Mapped[str | None] = mapped_column(ForeignKey("model_versions.version"))
    generation: Mapped[int]


class ApiKey(Base):
    """A key of the API: the hash of its secret, looked up by its public prefix."""

    __tablename__ = "api_keys"

    prefix: Mapped[str] = mapped_column(String(16), primary_key=True)
    sha256: Mapped[str] = mapped_column(String(64))
    scopes: Mapped[list[str]] = mapped_column(JSON)
    name: Mapped[str] = mapped_column(String(100))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class Erasure(Base):
    """Somebody was erased; nothing tells who.

    A model that was trained on an earlier revision may remember them; one of a later does not.
    """

    __tablename__ = "erasures"
    __table_args__ = (Index(None, "ratings_revision"),)

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    erased_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ratings_revision: Mapped[int] = mapped_column(BigInteger)


class TrainingRun(Base):
    """A training that was asked for, is under way or has ended; `app.training.runs` has the states.

    `in_progress` is true or null, and unique: the database itself admits one at a time.
    """

    __tablename__ = "training_runs"
    __table_args__ = (CheckConstraint("in_progress IS NULL OR in_progress", name="true_or_null"),)

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    state: Mapped[str] = mapped_column(String(20))
    in_progress: Mapped[bool | None] = mapped_column(unique=True)
    requested_by: Mapped[str] = mapped_column(String(128))
    requested_at: Mapped[datetime] = mapped_column(UtcDateTime)
    started_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    holder: Mapped[str | None] = mapped_column(String(255))
    heartbeat_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    lease_until: Mapped[datetime] = mapped_column(UtcDateTime)  # a holder that is alive renews it
    options: Mapped[dict[str, Any]] = mapped_column(Document)
    progress: Mapped[dict[str, Any]] = mapped_column(Document)
    version: Mapped[str | None] = mapped_column(String(40))  # the candidate, while its row exists
    figures: Mapped[dict[str, Any] | None] = mapped_column(Document)
    error: Mapped[str | None] = mapped_column(String(1000))


class AdminSession(Base):
    """Somebody signed in on the operators' pages: the hash of what their cookie holds."""

    __tablename__ = "admin_sessions"

    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    key_prefix: Mapped[str] = mapped_column(ForeignKey("api_keys.prefix", ondelete="CASCADE"))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)  # each use puts it off

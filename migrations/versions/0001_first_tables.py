"""The first tables."""

import secrets

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# The types of app/db/tables.py as they are now: a migration must not change when that file does.
BIG_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True).with_variant(sa.Integer(), "sqlite")
DOCUMENT = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    create_installation()
    create_ratings()
    create_models()


def downgrade() -> None:
    for table in (
        "active_model",
        "model_versions",
        "ratings",
        "movies",
        "users",
        "datasets",
        "installation",
    ):
        op.drop_table(table)


def create_installation() -> None:
    installation = op.create_table(
        "installation",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("holdout_salt", sa.String(64), nullable=False),
        sa.Column("ratings_revision", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_installation_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_installation")),
    )
    # Drawn once, for good: another salt would move users between training and judging.
    salt = secrets.token_hex(32)
    op.bulk_insert(installation, [{"id": 1, "holdout_salt": salt, "ratings_revision": 0}])
    op.create_table(
        "datasets",
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("imported_at", MOMENT, nullable=False),
        sa.Column("is_public", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_datasets")),
    )


def create_ratings() -> None:
    op.create_table(
        "users",
        sa.Column("id", BIG_KEY, nullable=False),
        sa.Column("key", sa.String(128), nullable=False),
        sa.Column("ratings_revision", sa.BigInteger(), nullable=False),
        sa.Column("imported_from", sa.String(255), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        sa.UniqueConstraint("key", name=op.f("uq_users_key")),
    )
    op.create_index(op.f("ix_users_ratings_revision"), "users", ["ratings_revision"])
    op.create_table(
        "movies",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("title", sa.String(500), nullable=False),
        sa.Column("year", sa.Integer(), nullable=True),
        sa.Column("genres", sa.JSON(), nullable=False),
        sa.Column("imdb_id", sa.Integer(), nullable=True),
        sa.Column("tmdb_id", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_movies")),
    )
    op.create_table(
        "ratings",
        sa.Column("user_id", BIG_KEY, autoincrement=False, nullable=False),
        sa.Column("movie_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("stars", sa.Double(), nullable=True),
        sa.Column("liked", sa.Boolean(), nullable=True),
        sa.Column("rated_at", MOMENT, nullable=False),
        sa.CheckConstraint(
            "(stars IS NULL) <> (liked IS NULL)", name=op.f("ck_ratings_exactly_one_given")
        ),
        sa.CheckConstraint("stars BETWEEN 0.5 AND 5", name=op.f("ck_ratings_stars_in_range")),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_ratings_user_id_users"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["movie_id"], ["movies.id"], name=op.f("fk_ratings_movie_id_movies")
        ),
        sa.PrimaryKeyConstraint("user_id", "movie_id", name=op.f("pk_ratings")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_ratings_movie_id"), "ratings", ["movie_id"])


def create_models() -> None:
    op.create_table(
        "model_versions",
        sa.Column("version", sa.String(40), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("card", DOCUMENT, nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_model_versions")),
    )
    active_model = op.create_table(
        "active_model",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("version", sa.String(40), nullable=True),
        sa.Column("previous", sa.String(40), nullable=True),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_active_model_one_row")),
        sa.ForeignKeyConstraint(
            ["version"],
            ["model_versions.version"],
            name=op.f("fk_active_model_version_model_versions"),
        ),
        sa.ForeignKeyConstraint(
            ["previous"],
            ["model_versions.version"],
            name=op.f("fk_active_model_previous_model_versions"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_active_model")),
    )
    op.bulk_insert(active_model, [{"id": 1, "version": None, "previous": None, "generation": 0}])

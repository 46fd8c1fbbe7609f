"""Movies with keys of the client's own and further attributes, events, and movies not shown again.

The id of a movie with a text key is a negative hash of 61 bits, so ids become BIGINT. On PostgreSQL
this writes the movies and ratings anew, and nobody reads them meanwhile: 1.6 million ratings took
3.5 s on two cores. The version before goes on with the new tables: what it writes has number keys.
Each of its pooled connections may refuse one query, whose plan PostgreSQL had prepared for the old
type. SQLite stores whole numbers of any size already.
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

# The types of app/db/tables.py as they are now: a migration must not change when that file does.
MOMENT = sa.DateTime(timezone=True).with_variant(sa.Integer(), "sqlite")
KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
IDS = (("movies", "id"), ("ratings", "movie_id"))


def upgrade() -> None:
    _change_ids(sa.Integer(), sa.BigInteger())
    op.add_column("movies", sa.Column("key", sa.String(200), nullable=True))
    op.add_column("movies", sa.Column("attributes", _document(), nullable=True))
    op.create_index(op.f("ix_movies_key"), "movies", ["key"], unique=True)
    op.add_column("ratings", sa.Column("implied_by", sa.String(20), nullable=True))
    op.create_table(
        "seen_movies",
        sa.Column("user_id", KEY, autoincrement=False, nullable=False),
        sa.Column("movie_id", KEY, autoincrement=False, nullable=False),
        sa.Column("hidden", sa.Boolean(), nullable=False),
        sa.Column("seen_at", MOMENT, nullable=False),
        sa.Column("from_release", sa.Boolean(), server_default=sa.false(), nullable=False),
        *_of_user_and_movie("seen_movies"),
        sa.PrimaryKeyConstraint("user_id", "movie_id", name=op.f("pk_seen_movies")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_seen_movies_movie_id"), "seen_movies", ["movie_id"])
    op.create_table(
        "events",
        sa.Column("event_id", sa.String(100), nullable=False),
        sa.Column("user_id", KEY, nullable=False),
        sa.Column("movie_id", KEY, nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("value", sa.Double(), nullable=True),
        sa.Column("occurred_at", MOMENT, nullable=False),
        sa.Column("from_release", sa.Boolean(), server_default=sa.false(), nullable=False),
        *_of_user_and_movie("events"),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_events")),
        sqlite_with_rowid=False,
    )
    columns = ["user_id", "occurred_at", "event_id"]
    op.create_index(op.f("ix_events_user_id_occurred_at_event_id"), "events", columns)
    op.create_index(op.f("ix_events_movie_id"), "events", ["movie_id"])


def downgrade() -> None:
    op.drop_table("events")
    op.drop_table("seen_movies")
    # The version before cannot name movies with text keys: they go, and their ratings before them.
    op.execute("DELETE FROM ratings WHERE movie_id < 0 OR implied_by IS NOT NULL")
    op.execute("DELETE FROM movies WHERE id < 0")
    op.drop_column("ratings", "implied_by")
    op.drop_index(op.f("ix_movies_key"), "movies")
    op.drop_column("movies", "attributes")
    op.drop_column("movies", "key")
    _change_ids(sa.BigInteger(), sa.Integer())


def _change_ids(existing: sa.types.TypeEngine[int], new: sa.types.TypeEngine[int]) -> None:
    if op.get_context().dialect.name == "postgresql":
        for table, column in IDS:
            op.alter_column(table, column, existing_type=existing, type_=new)


def _document() -> sa.types.TypeEngine[object]:
    if op.get_context().dialect.name != "postgresql":
        return sa.JSON()
    from sqlalchemy.dialects.postgresql import JSONB  # noqa: PLC0415 - not needed for SQLite

    return JSONB()


def _of_user_and_movie(table: str) -> tuple[sa.ForeignKeyConstraint, sa.ForeignKeyConstraint]:
    return (
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f(f"fk_{table}_user_id_users"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["movie_id"], ["movies.id"], name=op.f(f"fk_{table}_movie_id_movies")
        ),
    )

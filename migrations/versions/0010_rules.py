"""Availability of movies, scenarios, experiments, feedback and the audit log.

The version before goes on with the new tables: it serves every movie, and leaves the others alone.
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

# The types of app/db/tables.py as they are now: a migration must not change when that file does.
MOMENT = sa.DateTime(timezone=True).with_variant(sa.Integer(), "sqlite")
KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

ONLY_ADDED = "rows of audit_log are only added"
SQLITE_TRIGGER = """
CREATE TRIGGER audit_log_no_{verb} BEFORE {verb} ON audit_log
BEGIN SELECT RAISE(ABORT, '{message}'); END
"""
POSTGRESQL_FUNCTION = """
CREATE OR REPLACE FUNCTION audit_log_only_added() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION '{message}'; END $$
"""
POSTGRESQL_TRIGGER = """
CREATE TRIGGER audit_log_only_added BEFORE UPDATE OR DELETE ON audit_log
FOR EACH ROW EXECUTE FUNCTION audit_log_only_added()
"""


def upgrade() -> None:
    withdrawn: sa.Column[bool] = sa.Column(
        "withdrawn", sa.Boolean(), server_default=sa.false(), nullable=False
    )
    op.add_column("movies", withdrawn)
    for name in ("available_from", "available_until"):
        op.add_column("movies", sa.Column(name, MOMENT, nullable=True))
    revision_column = sa.Column(
        "rules_revision", sa.BigInteger(), server_default="0", nullable=False
    )
    op.add_column("installation", revision_column)
    op.add_column("shared_counts", sa.Column("trend_generation", sa.String(32), nullable=True))
    op.add_column("shared_counts", sa.Column("trend_likes", sa.LargeBinary(), nullable=True))
    op.create_table(
        "scenario_versions",
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("definition", _document(), nullable=True),
        sa.Column("changed_at", MOMENT, nullable=False),
        sa.Column("changed_by", sa.String(128), nullable=False),
        sa.PrimaryKeyConstraint("name", "version", name=op.f("pk_scenario_versions")),
    )
    op.create_table(
        "experiments",
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("definition", _document(), nullable=False),
        sa.Column("salt", sa.String(64), nullable=False),
        sa.Column("begun_at", MOMENT, nullable=False),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.Column("winner", sa.String(64), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_experiments")),
    )
    _create_feedback()
    _create_nightly_lists()
    _create_audit_log()


def downgrade() -> None:
    op.drop_table("audit_log")
    if _is_postgresql():
        op.execute("DROP FUNCTION audit_log_only_added()")
    op.drop_table("nightly_lists")
    op.drop_table("feedback")
    op.drop_table("experiments")
    op.drop_table("scenario_versions")
    op.drop_column("shared_counts", "trend_likes")
    op.drop_column("shared_counts", "trend_generation")
    op.drop_column("installation", "rules_revision")
    for name in ("withdrawn", "available_until", "available_from"):
        op.drop_column("movies", name)


def _create_feedback() -> None:
    op.create_table(
        "feedback",
        sa.Column("feedback_id", sa.String(100), nullable=False),
        sa.Column("user_id", KEY, nullable=True),
        sa.Column("movie_id", KEY, nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("model", sa.String(40), nullable=True),
        sa.Column("scenario", sa.String(64), nullable=True),
        sa.Column("experiment", sa.String(64), nullable=True),
        sa.Column("arm", sa.String(64), nullable=True),
        sa.Column("place", sa.String(64), nullable=True),
        sa.Column("occurred_at", MOMENT, nullable=False),
        sa.Column("recorded_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_feedback_user_id_users"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["movie_id"], ["movies.id"], name=op.f("fk_feedback_movie_id_movies"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("feedback_id", name=op.f("pk_feedback")),
        sqlite_with_rowid=False,
    )  # fmt: skip
    op.create_index(op.f("ix_feedback_user_id_occurred_at"), "feedback", ["user_id", "occurred_at"])
    op.create_index(op.f("ix_feedback_movie_id"), "feedback", ["movie_id"])
    op.create_index(op.f("ix_feedback_occurred_at"), "feedback", ["occurred_at"])
    op.create_index(op.f("ix_feedback_experiment_user_id"), "feedback", ["experiment", "user_id"])


def _create_nightly_lists() -> None:
    op.create_table(
        "nightly_lists",
        sa.Column("user_id", KEY, autoincrement=False, nullable=False),
        sa.Column("scenario", sa.String(64), nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("movie_id", KEY, nullable=False),
        sa.Column("score", sa.Double(), nullable=False),
        sa.Column("like_probability", sa.Double(), nullable=False),
        sa.Column("source", sa.String(20), nullable=False),
        sa.Column("recommendation_id", sa.String(400), nullable=False),
        sa.Column("made_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_nightly_lists_user_id_users"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "user_id", "scenario", "position", name=op.f("pk_nightly_lists")
        ),
        sqlite_with_rowid=False,
    )  # fmt: skip


def _create_audit_log() -> None:
    op.create_table(
        "audit_log",
        sa.Column("id", KEY, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("who", sa.String(128), nullable=False),
        sa.Column("action", sa.String(40), nullable=False),
        sa.Column("subject", sa.String(255), nullable=True),
        sa.Column("detail", _document(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_log")),
    )
    if _is_postgresql():
        op.execute(POSTGRESQL_FUNCTION.format(message=ONLY_ADDED))
        op.execute(POSTGRESQL_TRIGGER)
        return
    for verb in ("UPDATE", "DELETE"):
        op.execute(SQLITE_TRIGGER.format(verb=verb, message=ONLY_ADDED))


def _is_postgresql() -> bool:
    return op.get_context().dialect.name == "postgresql"


def _document() -> sa.types.TypeEngine[object]:
    if not _is_postgresql():
        return sa.JSON()
    from sqlalchemy.dialects.postgresql import JSONB  # noqa: PLC0415 - not needed for SQLite

    return JSONB()

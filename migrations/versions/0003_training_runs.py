"""Training runs: who asked, how far they are, what they came to."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# The types of app/db/tables.py as they are now: a migration must not change when that file does.
BIG_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True).with_variant(sa.Integer(), "sqlite")
DOCUMENT = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    op.create_table(
        "training_runs",
        sa.Column("id", BIG_KEY, nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("in_progress", sa.Boolean(), nullable=True),
        sa.Column("requested_by", sa.String(128), nullable=False),
        sa.Column("requested_at", MOMENT, nullable=False),
        sa.Column("started_at", MOMENT, nullable=True),
        sa.Column("finished_at", MOMENT, nullable=True),
        sa.Column("holder", sa.String(255), nullable=True),
        sa.Column("heartbeat_at", MOMENT, nullable=True),
        sa.Column("lease_until", MOMENT, nullable=False),
        sa.Column("options", DOCUMENT, nullable=False),
        sa.Column("progress", DOCUMENT, nullable=False),
        sa.Column("version", sa.String(40), nullable=True),
        sa.Column("figures", DOCUMENT, nullable=True),
        sa.Column("error", sa.String(1000), nullable=True),
        sa.CheckConstraint(
            "in_progress IS NULL OR in_progress", name=op.f("ck_training_runs_true_or_null")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_training_runs")),
        sa.UniqueConstraint("in_progress", name=op.f("uq_training_runs_in_progress")),
    )


def downgrade() -> None:
    op.drop_table("training_runs")

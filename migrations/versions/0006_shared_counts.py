"""Counts of likes and ratings that all workers share."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

# The type of app/db/tables.py as it is now: a migration must not change when that file does.
MOMENT = sa.DateTime(timezone=True).with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "shared_counts",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("generation", sa.String(32), nullable=False),
        sa.Column("claimed", sa.String(32), nullable=False),
        sa.Column("begun_at", MOMENT, nullable=False),
        sa.Column("took_s", sa.Double(), nullable=False),
        sa.Column("ratings_revision", sa.BigInteger(), nullable=False),
        sa.Column("dataset_sha256", sa.String(64), nullable=True),
        sa.Column("imported_at", MOMENT, nullable=True),
        sa.Column("like_threshold", sa.Double(), nullable=False),
        sa.Column("n_users", sa.BigInteger(), nullable=False),
        sa.Column("counts", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_shared_counts_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shared_counts")),
    )


def downgrade() -> None:
    op.drop_table("shared_counts")

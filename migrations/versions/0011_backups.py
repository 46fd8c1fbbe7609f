"""Back-ups that are made by themselves.

The version before leaves the new table alone.
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

# The types of app/db/tables.py as they are now: a migration must not change when that file does.
MOMENT = sa.DateTime(timezone=True).with_variant(sa.Integer(), "sqlite")
KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "backups",
        sa.Column("id", KEY, nullable=False),
        sa.Column("due_at", MOMENT, nullable=True),
        sa.Column("started_at", MOMENT, nullable=False),
        sa.Column("finished_at", MOMENT, nullable=True),
        sa.Column("next_at", MOMENT, nullable=True),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=True),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
        sa.Column("error", sa.String(1000), nullable=True),
        sa.Column("holder", sa.String(128), nullable=True),
        sa.Column("lease_until", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_backups")),
    )


def downgrade() -> None:
    op.drop_table("backups")

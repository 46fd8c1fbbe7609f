"""Sessions of operators who have signed in with an admin key."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

# The type of app/db/tables.py as it is now: a migration must not change when that file does.
MOMENT = sa.DateTime(timezone=True).with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "admin_sessions",
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("key_prefix", sa.String(16), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_admin_sessions")),
        sa.ForeignKeyConstraint(
            ["key_prefix"],
            ["api_keys.prefix"],
            name=op.f("fk_admin_sessions_key_prefix_api_keys"),
            ondelete="CASCADE",
        ),
    )


def downgrade() -> None:
    op.drop_table("admin_sessions")

"""Responses to requests with an `Idempotency-Key`, and the hash of each erased user.

The version before records erasures without a hash, and ignores the header.
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

# The types of app/db/tables.py as they are now: a migration must not change when that file does.
MOMENT = sa.DateTime(timezone=True).with_variant(sa.Integer(), "sqlite")
KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("erasures", sa.Column("key_hmac", sa.String(64), nullable=True))
    op.create_table(
        "answered_requests",
        sa.Column("key_sha256", sa.String(64), nullable=False),
        sa.Column("request_sha256", sa.String(64), nullable=False),
        sa.Column("user_id", KEY, nullable=True),
        sa.Column("answered_at", MOMENT, nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("response", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["users.id"],
            name=op.f("fk_answered_requests_user_id_users"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("key_sha256", name=op.f("pk_answered_requests")),
    )
    op.create_index(op.f("ix_answered_requests_user_id"), "answered_requests", ["user_id"])
    op.create_index(op.f("ix_answered_requests_answered_at"), "answered_requests", ["answered_at"])


def downgrade() -> None:
    op.drop_table("answered_requests")
    op.drop_column("erasures", "key_hmac")

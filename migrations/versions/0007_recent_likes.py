"""Likes of the latest ratings, beside the shared counts.

The version before renews the other columns alone: these are valid only for the generation that
they name.
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("shared_counts", sa.Column("recent_generation", sa.String(32), nullable=True))
    op.add_column("shared_counts", sa.Column("recent_share", sa.Double(), nullable=True))
    op.add_column("shared_counts", sa.Column("recent_likes", sa.LargeBinary(), nullable=True))


def downgrade() -> None:
    op.drop_column("shared_counts", "recent_likes")
    op.drop_column("shared_counts", "recent_share")
    op.drop_column("shared_counts", "recent_generation")

"""Which ratings came with the release, and which were given through the service.

Until now the moments told: a rating of a user of the release was the release's when it was not
younger than the import. Each replacement of a release moved that border past ratings that people
had given since. The rule is used here for the last time. Where it is wrong already (a rating given
before the last replacement, of a user of a release of that name) nothing is left to tell, and the
rating counts as the release's.

The version before leaves the column out. What it inserts counts as given through the service, the
default. That is right for all that people rate. For an import by that version it errs on the side
that loses nothing: what it wrote would stay when its release is replaced, so import with this
version. A rating of the release that it changes for somebody keeps the mark, would be shown as the
release's and would go with it. This is accepted: it takes somebody who changes such a rating while
the older version still runs, and no default can tell.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

# The parts of the tables that the rule reads, as they are at this revision.
DATASETS = sa.table("datasets", sa.column("name"), sa.column("imported_at"))
USERS = sa.table("users", sa.column("id"), sa.column("imported_from"))
RATINGS = sa.table(
    "ratings", sa.column("user_id"), sa.column("rated_at"), sa.column("from_release", sa.Boolean())
)
BY_ITS_MOMENT = sa.exists().where(
    USERS.c.id == RATINGS.c.user_id,
    DATASETS.c.name == USERS.c.imported_from,
    RATINGS.c.rated_at <= DATASETS.c.imported_at,
)


def upgrade() -> None:
    # PostgreSQL gives a column with a constant default to all rows without writing any, and the
    # default of later rows may differ. So the rows that are there get what most of them need, and
    # only the others are written, as good as none after an import. Nobody reads ratings from then
    # to the end, one pass over them: 3 million took 2 s with the counting, writing them all 91 s.
    # SQLite cannot change a default, nor does a writer keep its readers waiting.
    most = op.get_context().dialect.name == "postgresql" and _most_are_from_the_release()
    op.add_column(
        "ratings",
        sa.Column(
            "from_release",
            sa.Boolean(),
            server_default=sa.true() if most else sa.false(),
            nullable=False,
        ),
    )
    if most:
        op.alter_column("ratings", "from_release", server_default=sa.false())
    others = ~BY_ITS_MOMENT if most else BY_ITS_MOMENT
    op.execute(sa.update(RATINGS).where(others).values(from_release=not most))


def downgrade() -> None:
    op.drop_column("ratings", "from_release")


def _most_are_from_the_release() -> bool:
    """Count, while everybody still reads and writes."""
    n_all = sa.select(sa.func.count()).select_from(RATINGS)
    counts = sa.select(n_all.where(BY_ITS_MOMENT).scalar_subquery(), n_all.scalar_subquery())
    n_from_release, n_ratings = op.get_bind().execute(counts).one()
    return bool(2 * n_from_release > n_ratings)

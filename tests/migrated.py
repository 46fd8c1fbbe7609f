"""The database that those of the tests are copied from."""

from sqlalchemy import update

from app.db.engine import Database
from app.db.schema import upgrade
from app.db.tables import installation

# A random one would judge a model by other people every time, and refuse one of fifty by chance.
SALT = "salt 0"


def migrate(url: str) -> None:
    """Make the tables, and fix who is held out of training."""
    database = Database(url)
    upgrade(database)
    with database.unit_of_work() as connection:
        connection.execute(update(installation).values(holdout_salt=SALT))
    database.dispose()

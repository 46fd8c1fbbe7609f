"""Waiting for a database that is not there yet, as at the first start of an installation."""

import os
from pathlib import Path
from time import monotonic, sleep

from app.cli import output
from app.cli.failures import DatabaseFailedError, one_line
from app.cli.session import (
    NoDatabaseError,
    SchemaBehindError,
    SettingError,
    open_database,
    read_settings,
)
from app.config import PREFIX

PASSWORD_FILE = f"{PREFIX}DATABASE_PASSWORD_FILE"
WAITED_FOR = (NoDatabaseError, SchemaBehindError, DatabaseFailedError)
POLL_S = 1.0


def wait_for_database(longest_s: float) -> None:
    """Return when the database answers, with tables that this version works with.

    Its password may not be there at first, either. Each reason is said once; after `longest_s` it
    is raised.
    """
    end, said = monotonic() + longest_s, None
    while (error := _failure()) is not None:
        if monotonic() >= end:
            raise error
        if (reason := one_line(error)) != said:
            output.note(f"Waiting, since {reason}")
            said = reason
        sleep(POLL_S)


def _failure() -> Exception | None:
    try:
        with open_database(read_settings()):
            return None
    except WAITED_FOR as error:
        return error
    except SettingError as error:
        if PASSWORD_FILE in os.environ and not Path(os.environ[PASSWORD_FILE]).exists():
            return error
        raise

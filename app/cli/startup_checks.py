"""Checks before the service starts; each refusal is one line."""

from pathlib import Path
from tempfile import TemporaryFile

from app.auth.bootstrap import make_first_key
from app.auth.service import check_bind
from app.cli import output
from app.cli.session import open_store
from app.config import PREFIX, Settings
from app.db.engine import Database
from app.db.model_versions import active_version


class ModelsFolderError(RuntimeError):
    """The folder of the models cannot be read."""


def guard_access(settings: Settings, database: Database) -> None:
    """Make the first key where a file for it is set; refuse to serve a network without keys."""
    if settings.bootstrap_admin_key_file is not None:
        prefix = make_first_key(database, settings.bootstrap_admin_key_file)
        if prefix is not None:
            output.note(
                f"The first admin key, {prefix}, is in {settings.bootstrap_admin_key_file}."
            )
    check_bind(settings, database)


def check_models_folder(settings: Settings, database: Database) -> None:
    """Refuse a folder that cannot be read, or is missing although there are models.

    A single damaged model is no reason: the service falls back to the one before it. Where there is
    a remote store, the folder is refused if copies cannot be written there.
    """
    folder = settings.models_dir
    store = open_store(settings)
    if store.is_remote:
        _refuse_read_only(store.folder)
        return
    with database.read() as connection:
        version = active_version(connection).version
    try:
        next(folder.iterdir(), None)
        if version is not None:
            next((folder / version).iterdir(), None)
    except FileNotFoundError:
        if folder.is_dir() or version is None:
            return  # no model yet, or one without files, which the one before replaces
        reason = f"it does not exist, and the database names model {version}"
    except OSError as error:
        reason = str(error.strerror)
    else:
        return
    raise ModelsFolderError(
        f"cannot read the models folder {folder} ({PREFIX}MODELS_DIR): {reason}"
    )


def _refuse_read_only(copies: Path) -> None:
    try:
        copies.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=copies):
            pass
    except OSError as error:
        raise ModelsFolderError(
            f"cannot write copies of the models into {copies} ({PREFIX}MODELS_DIR): "
            f"{error.strerror}"
        ) from error

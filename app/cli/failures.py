"""What a command says that cannot do what it is asked: one line, and an exit code."""

from __future__ import annotations

import errno
import re
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import URL

# The exit codes of docs/operations.md; that of a refused model is in `app.cli.training`, and what a
# signal has stopped ends with 128 + its number.
UNEXPECTED = 1
REFUSED = 2

DISK_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
# SQLITE_FULL, and the SQLSTATE disk_full of PostgreSQL.
DATABASE_FULL = {13, "53100"}
# SQLITE_ERROR: a statement that is wrong, and not a database that fails.
WRONG_STATEMENT = 1


class DatabaseFailedError(Exception):
    """The database cannot be used."""


class CannotWriteError(Exception):
    """A file cannot be written; the message names it, or its folder."""


class MissingPackageError(Exception):
    """A package that this command needs is not installed."""


def require(package: str) -> None:
    """Refuse to begin what would only find later that a package is not installed."""
    if find_spec(package) is None:
        raise ModuleNotFoundError(name=package)


def explained(error: Exception) -> Exception:
    """Return an error that says how to install a package of an extra where that is missing."""
    name = (error.name or "").partition(".")[0] if isinstance(error, ModuleNotFoundError) else None
    extras = {extra for package, extra in _extras() if package == name} if name else set()
    if not extras:
        return error
    extra = "train" if "train" in extras else min(extras)
    image = "take the training image, or " if extra == "train" else ""
    return MissingPackageError(
        f"this needs {name}, which is not installed here: {image}"
        f'`pip install "recommender[{extra}]"`'
    )


def exit_code(error: Exception) -> int:
    """Return the exit code: that of the error, or whether one had to expect it."""
    code: int | None = getattr(error, "exit_code", None)
    return code or (REFUSED if _is_expected(error) else UNEXPECTED)


def one_line(error: Exception) -> str:
    """Say what is wrong; of an unexpected error, also its type."""
    if hasattr(error, "format_message"):  # of the command line
        return _usage(error)
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    text = " ".join(str(error).split())
    if _is_expected(error):
        return text or type(error).__name__
    return f"{type(error).__name__}: {text} (--debug shows where)"


@contextmanager
def naming_database(url: URL) -> Iterator[None]:
    """Name the database where it fails within the block, and its folder where the disk is full."""
    try:
        yield
    except Exception as error:
        if _is_expected(error):
            raise
        reason = _reason(error, url) or _reason(error.__cause__, url)  # optuna wraps it
        if reason is None:
            raise
        shown = url.render_as_string()  # without the password
        raise DatabaseFailedError(f"cannot use the database {shown}: {reason}") from error


@contextmanager
def writing_to(folder: Path) -> Iterator[None]:
    """Name the folder where the disk is full: the error of a write names no file."""
    try:
        yield
    except OSError as error:
        if error.errno not in DISK_FULL:
            raise
        raise CannotWriteError(f"no room in the folder {folder}: {error.strerror}") from error


def _extras() -> list[tuple[str, str]]:
    """Return the packages that an installation may add, each with the extra that does."""
    from importlib.metadata import requires

    form = re.compile(r"""([\w-]+).*;.*\bextra == ['"](\w+)['"]""")
    found = [form.match(requirement) for requirement in requires("recommender") or ()]
    return [(match[1].replace("-", "_"), match[2]) for match in found if match]


def _usage(error: Any) -> str:
    """Say what is wrong with the command line; nothing where its help was shown instead."""
    text = " ".join(str(error.format_message()).split())
    context = getattr(error, "ctx", None)
    return f"{text} (see {context.command_path} --help)" if text and context else text


def _is_expected(error: Exception) -> bool:
    ours = type(error).__module__.partition(".")[0] in {"app", "data", "model"}
    return ours or isinstance(error, OSError)


def _reason(error: Any, url: URL) -> str | None:
    """Say why the database fails; None where it does not, but we do."""
    from sqlalchemy.exc import DatabaseError, DBAPIError, InterfaceError, OperationalError
    from sqlalchemy.exc import TimeoutError as PoolTimeoutError

    from app.db.failures import SQLITE_CANNOT_WRITE

    if isinstance(error, PoolTimeoutError):
        return str(error)
    if not isinstance(error, DBAPIError):
        return None
    cause: Any = error.orig
    code = getattr(cause, "sqlite_errorcode", None) or 0
    if code == WRONG_STATEMENT:
        return None
    folder = f"the folder {Path(url.database or '').parent}"
    if {code, getattr(cause, "sqlstate", None)} & DATABASE_FULL:
        return f"no room in {folder if code else 'its disk'}: {cause}"
    if code in SQLITE_CANNOT_WRITE:
        return f"cannot write to {folder}: {cause}"
    # A file that is no database, or is damaged, is a plain `DatabaseError`.
    fails = isinstance(error, OperationalError | InterfaceError) or type(error) is DatabaseError
    return str(cause) if fails else None

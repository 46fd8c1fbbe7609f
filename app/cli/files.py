"""Files that a command writes its result to."""

from pathlib import Path

from app.cli.failures import CannotWriteError


def check_folder(path: Path | None) -> None:
    """Refuse a file whose folder is missing, before the work whose result it is to hold."""
    if path is not None and not path.parent.is_dir():
        raise CannotWriteError(f"cannot write {path}: there is no folder {path.parent}")


def write(path: Path, text: str) -> None:
    """Write a file, whole or not at all, in place of one of this name."""
    from data.durable import whole_file

    try:
        if path.exists() and not path.is_file():  # such as /dev/stdout, which has to stay
            path.write_text(text, encoding="utf-8")
            return
        with whole_file(path) as file:
            file.write(text.encode())
    except OSError as error:
        raise CannotWriteError(f"cannot write {path}: {error.strerror}") from error

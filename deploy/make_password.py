"""Draws a password and writes it to a file, unless the file is there already."""

import os
import secrets
import sys
from pathlib import Path


def main(file: Path) -> None:
    """Write the file whole or not at all, readable for its owner alone."""
    if file.exists():
        print(f"{file} is there already")
        return
    unfinished = file.with_name(f".{file.name}")
    unfinished.unlink(missing_ok=True)
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as opened:
        opened.write(secrets.token_urlsafe(32))
        opened.flush()
        os.fsync(descriptor)
    unfinished.replace(file)
    print(f"{file} made")


if __name__ == "__main__":
    main(Path(sys.argv[1]))

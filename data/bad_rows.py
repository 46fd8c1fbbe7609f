"""The bad rows of a file: refused at once, or counted and written to a file of their own."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from data.durable import whole_file
from data.release import DatasetError, Rejected
from data.rules import brief, cleaned

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from data.mapping import Mapping

__all__ = ["BadRows"]

MAX_WRITTEN = 100_000
# A file of them holds what users did.
PERMISSIONS = 0o600
N_REASONS = 3
HEADER = ("line", "reason", "row", "file")


@dataclass(slots=True)
class BadRows:
    """Counts the bad rows of files, of all their rows, and keeps the first ones.

    Parameters
    ----------
    mapping : Mapping
        Says how many there may be.
    path : Path
        Where they are written.
    """

    mapping: Mapping
    path: Path
    n_rows: int = 0
    n_bad: int = 0
    _kept: list[tuple[int, str, str, str]] = field(default_factory=list)
    _reasons: list[str] = field(default_factory=list)

    def add(self, label: str, unit: str, rows: Iterable[tuple[int, str, str]]) -> None:
        """Add bad rows of a file: number, reason and text of each; `unit` is line or row."""
        for row in rows:
            self.n_bad += 1
            if len(self._kept) < MAX_WRITTEN:
                self._kept.append((*row, label))
            if len(self._reasons) < N_REASONS:
                self._reasons.append(f"{label}, {unit} {row[0]}: {row[1]}")

    def finish(self) -> Rejected | None:
        """Write the bad rows, if there are any.

        Raises
        ------
        DatasetError
            There are more than the mapping allows, or the file cannot be written.
        """
        if self.n_bad == 0:
            return None
        self._write(self.path)
        if self.n_bad > self.mapping.max_bad(self.n_rows):
            raise DatasetError(
                f"{self.n_bad} of {self.n_rows} rows are bad, more than {self.mapping.skip_bad}; "
                f"the first is {self._reasons[0]} (see {self.path})"
            )
        return Rejected(self.n_rows, self.n_bad, self.path, tuple(self._reasons))

    def _write(self, path: Path) -> None:
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(HEADER)
        try:
            with whole_file(path, PERMISSIONS) as file:
                for row in self._kept:
                    writer.writerow(row)
                    file.write(cleaned_lines(text.getvalue()))
                    text.seek(0)
                    text.truncate()
        except OSError as error:
            raise DatasetError(
                f"the bad rows cannot be written to {path}: {brief(error)}"
            ) from error


def cleaned_lines(text: str) -> bytes:
    """Encode lines, with U+FFFD for what no text holds."""
    return "\n".join(map(cleaned, text.split("\n"))).encode()

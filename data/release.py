"""What every reader returns, and the one error that every reader raises."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["NO_TIME", "DatasetError", "DownloadError", "Progress", "Release"]

NO_TIME = 0
"""`rated_at` of a rating whose file tells no time: the Unix epoch."""

Progress = Callable[[str, int, int | None], None]
"""Called with the stage (``"download"`` or ``"read"``), bytes done and bytes in all, if known."""


class DatasetError(ValueError):
    """A data set that cannot be had or cannot be trusted; one line that names file and line."""


class DownloadError(DatasetError):
    """A data set that nobody could be asked for, or that was refused: there is no network, say."""


@dataclass(frozen=True, slots=True, eq=False)
class Release:
    r"""A data set as it was read: checked, complete, in memory.

    Parameters
    ----------
    name : str
        Name of the MovieLens release, ``"sample"``, or the name of the file without its suffix.
    sha256 : str
        Checksum of what was read: SHA-256 of the lines ``"ratings <h>\n"``, ``"movies <h>\n"``
        and ``"links <h>\n"`` in this order, each only where there was such a file, with ``<h>``
        the SHA-256 of the unpacked file in hexadecimal. A folder and a zip of it agree.
    ratings : DataFrame
        One row per rating, in the order of the file. ``user``: int32 or int64 where every id of
        the file is a whole number written plainly (so that ``str(user)`` is the id of the file),
        else str. ``movie_id``: int32. ``stars``: float32, 0.5 to 5. ``rated_at``: int64, Unix
        seconds, `NO_TIME` where the file has no such column.
    movies : DataFrame
        One row per movie, in the order of the file. ``movie_id``: int32, unique. ``title``: str,
        as people type it, without the year. ``year``: Int32, missing where unknown. ``genres``:
        list of str, empty where unknown. ``imdb_id``, ``tmdb_id``: Int32, missing where unknown.
    notice : str
        What to tell people about the licence when the data is first used; may be empty.
    is_public : bool
        True for MovieLens releases that were asked for by name and for the bundled sample: anybody
        may look at their users. Never for what lies at a path.
    """

    name: str
    sha256: str
    ratings: pd.DataFrame
    movies: pd.DataFrame
    notice: str
    is_public: bool

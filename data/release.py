"""What every reader returns, and the errors that it raises."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from data.interactions import Interactions

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

__all__ = [
    "EVENT_KINDS",
    "NO_TIME",
    "DatasetError",
    "DownloadError",
    "Rejected",
    "Release",
    "columns",
]

EVENT_KINDS = (
    "rated", "liked", "disliked", "seen", "hidden", "clicked", "purchased", "watched",
)  # fmt: skip
"""What a user can do with a movie: the value of `rated` is stars, that of `watched` a share."""

NO_TIME = 0
"""`rated_at` of a rating whose file tells no time: the Unix epoch."""


class DatasetError(ValueError):
    """A data set that cannot be read or trusted; the message is one line, with file and line."""


class DownloadError(DatasetError):
    """A data set that cannot be downloaded, for instance without a network."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """The bad rows of a file, which were skipped.

    Parameters
    ----------
    n_rows, n_bad : int
        Rows of the file, and how many of them are bad.
    path : Path
        A CSV with line, reason and text of the first 100,000 bad rows.
    reasons : tuple of str
        The first three, each with its place.
    """

    n_rows: int
    n_bad: int
    path: Path
    reasons: tuple[str, ...]


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
        else str. ``movie_id``: int32 where every movie's key is a number, else int64
        (`data.movie_keys.movie_id`). ``stars``: float32, 0.5 to 5, NaN where the row has only a
        like or dislike. ``rated_at``: int64, Unix seconds, `NO_TIME` where the file has no such
        column. ``liked``, only where the file has such a column: boolean, missing where there are
        stars. Without rows where the file holds events or movies alone.
    movies : DataFrame
        One row per movie, in the order of the file. ``movie_id``: as above, unique. ``key``:
        object, the key of the movie where it is a text, else None. ``title``: str, as users type
        it, without the year. ``titled``: bool, False where the file has no title, and the key or
        "Movie 123" stands for it. ``year``: Int32, missing where unknown. ``genres``: list of str,
        empty where unknown. ``imdb_id``, ``tmdb_id``: Int32, missing where unknown.
        ``attributes``: object, a dict of text, number or list of str by name, None where the file
        has none. ``withdrawn``: boolean, missing where the file does not say whether lists may
        have the movie. ``available_from``, ``available_until``: Int64, Unix seconds from which and
        until before which they may, missing where the file has none.
    notice : str
        What to tell the user about the licence when the data is first used; may be empty.
    is_public : bool
        Whether its users may be shown without a key: true for the bundled sample and for MovieLens
        releases requested by name, never for data read from a path.
    is_own : bool
        Whether it was read from a path or standard input, so that it is added to what is there.
    events : DataFrame, optional
        One row per event, in the order of the file, where it holds events instead of ratings.
        ``event_id``: object, str, or None where the file has none. ``user``, ``movie_id``: as in
        `ratings`. ``kind``: str, one of `EVENT_KINDS`. ``value``: float64, the stars of ``rated``
        and the share, 0 to 1, of ``watched``, else NaN. ``occurred_at``: int64, Unix seconds,
        `NO_TIME` where the file has no such column.
    rejected : Rejected, optional
        The bad rows that were skipped, if any.
    """

    name: str
    sha256: str
    ratings: pd.DataFrame
    movies: pd.DataFrame
    notice: str
    is_public: bool
    is_own: bool = False
    events: pd.DataFrame | None = None
    rejected: Rejected | None = None

    @property
    def has_titles(self) -> bool:
        """Whether any movie has a title of its own."""
        return "titled" not in self.movies or bool(self.movies["titled"].any())

    def columns(
        self, like_threshold: float
    ) -> tuple[NDArray[Any], NDArray[np.int64], NDArray[np.bool_]]:
        """Return user, movie id and like of each rating; see the function `columns`."""
        return columns(self.ratings, like_threshold)

    def interactions(self, like_threshold: float) -> Interactions:
        """Return the matrix of likes and dislikes; see `columns`."""
        return Interactions.from_arrays(*self.columns(like_threshold))


def columns(
    ratings: pd.DataFrame, like_threshold: float
) -> tuple[NDArray[Any], NDArray[np.int64], NDArray[np.bool_]]:
    """Return user, movie id and like of each rating, three arrays of shape (n_ratings,).

    Parameters
    ----------
    ratings : DataFrame
        As in `Release`.
    like_threshold : float
        Ratings of so many stars and more are likes, the others dislikes.
    """
    liked = ratings["stars"].to_numpy() >= like_threshold
    if "liked" in ratings:
        liked |= ratings["liked"].to_numpy(dtype="bool", na_value=False)
    return ratings["user"].to_numpy(), ratings["movie_id"].to_numpy(dtype="int64"), liked

"""What every reader returns, and the errors that it raises."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from data.interactions import Interactions

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

__all__ = ["NO_TIME", "DatasetError", "DownloadError", "Release"]

NO_TIME = 0
"""`rated_at` of a rating whose file tells no time: the Unix epoch."""


class DatasetError(ValueError):
    """A data set that cannot be read or trusted; the message is one line, with file and line."""


class DownloadError(DatasetError):
    """A data set that cannot be downloaded, for instance without a network."""


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
        as users type it, without the year. ``year``: Int32, missing where unknown. ``genres``:
        list of str, empty where unknown. ``imdb_id``, ``tmdb_id``: Int32, missing where unknown.
    notice : str
        What to tell the user about the licence when the data is first used; may be empty.
    is_public : bool
        Whether its users may be shown without a key: true for the bundled sample and for MovieLens
        releases requested by name, never for data read from a path.
    """

    name: str
    sha256: str
    ratings: pd.DataFrame
    movies: pd.DataFrame
    notice: str
    is_public: bool

    def columns(
        self, like_threshold: float
    ) -> tuple[NDArray[Any], NDArray[np.int64], NDArray[np.bool_]]:
        """Return user, movie id and like of each rating, three arrays of shape (n_ratings,).

        Parameters
        ----------
        like_threshold : float
            Ratings of so many stars and more are likes, the others dislikes.
        """
        return (
            self.ratings["user"].to_numpy(),
            self.ratings["movie_id"].to_numpy(dtype="int64"),
            self.ratings["stars"].to_numpy() >= like_threshold,
        )

    def interactions(self, like_threshold: float) -> Interactions:
        """Return the matrix of likes and dislikes; see `columns`."""
        return Interactions.from_arrays(*self.columns(like_threshold))

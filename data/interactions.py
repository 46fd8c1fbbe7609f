"""The user x movie matrix of like / dislike / unseen, and its two vocabularies.

Only what was rated is stored, row by row as in the compressed sparse row format: the ratings of
user ``u`` are ``movie_rows[indptr[u]:indptr[u + 1]]`` with ``liked`` beside them. *Unseen* is the
absence of an entry. NumPy alone, since serving needs it too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from data.movie_keys import movie_ids, movie_key

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    import pandas as pd
    from numpy.typing import ArrayLike, NDArray

__all__ = ["Interactions", "InvalidInteractionsError"]


class InvalidInteractionsError(ValueError):
    """The arrays do not make a matrix of like / dislike / unseen; the message says where."""


@dataclass(frozen=True, slots=True, eq=False)
class Interactions:
    """A sparse matrix of likes and dislikes with its vocabularies.

    Parameters
    ----------
    indptr : int64 array, shape (n_users + 1,)
        Where each user's ratings begin in the two arrays below.
    movie_rows : int32 array, shape (n_ratings,)
        Movie of each rating, as a position in `movie_ids`; ascending and unique within a user.
    liked : bool array, shape (n_ratings,)
        True for like, False for dislike.
    user_keys : array, shape (n_users,)
        The name of each user outside the matrix.
    movie_ids : int64 array, shape (n_movies,)
        The id of each movie outside the matrix, unique.
    """

    indptr: NDArray[np.int64]
    movie_rows: NDArray[np.int32]
    liked: NDArray[np.bool_]
    user_keys: NDArray[Any]
    movie_ids: NDArray[np.int64]

    @classmethod
    def from_arrays(
        cls,
        users: Sequence[Hashable] | ArrayLike,
        movies: ArrayLike,
        liked: ArrayLike,
        *,
        movie_ids: ArrayLike | None = None,
    ) -> Interactions:
        """Build the matrix from one entry per rating.

        Parameters
        ----------
        users : array_like of hashables, shape (n_ratings,)
            User of each rating. Rows are in the order of first appearance.
        movies : array_like of int, shape (n_ratings,)
            Movie id of each rating.
        liked : array_like of bool, shape (n_ratings,)
            True (or 1) for like, False (or 0) for dislike.
        movie_ids : array_like of int, shape (n_movies,), optional
            The movies of the matrix, in this order, rated or not; default: those in `movies`, in
            the order of first appearance. Give a trained model's ``movie_ids`` to score users
            that it has not seen.

        Returns
        -------
        Interactions

        Raises
        ------
        InvalidInteractionsError
            Arrays of different lengths, a movie that is not in `movie_ids`, a value of `liked`
            that is neither 0 nor 1, or the same pair of user and movie twice.
        """
        user_values, movie_values, liked_values = _checked_columns(users, movies, liked)
        user_rows, user_keys = _factorize(user_values)
        if movie_ids is None:
            movie_rows, vocabulary = _factorize(movie_values)
        else:
            vocabulary = np.asarray(movie_ids, dtype=np.int64)
            movie_rows = _rows_of(movie_values, vocabulary)
        order = np.lexsort((movie_rows, user_rows))
        user_rows, movie_rows = user_rows[order], movie_rows[order]
        repeated = (np.diff(user_rows) == 0) & (np.diff(movie_rows) == 0)
        if repeated.any():
            at = int(np.flatnonzero(repeated)[0])
            raise InvalidInteractionsError(
                f"user {user_keys[user_rows[at]]!r} rates movie {vocabulary[movie_rows[at]]} twice"
            )
        return cls(
            indptr=np.searchsorted(user_rows, np.arange(len(user_keys) + 1)).astype(np.int64),
            movie_rows=movie_rows.astype(np.int32),
            liked=liked_values[order],
            user_keys=user_keys,
            movie_ids=vocabulary.astype(np.int64),
        )

    @classmethod
    def from_frame(
        cls,
        df: pd.DataFrame,
        *,
        user: str = "user",
        movie: str = "movie",
        liked: str | None = None,
        rating: str | None = None,
        like_threshold: float | None = None,
    ) -> Interactions:
        """Build the matrix from a data frame of one row per user and movie.

        Parameters
        ----------
        df : DataFrame
        user, movie : str
            Columns of the users and of the movies; a movie is a whole number or a text, the key
            that the service knows it by.
        liked : str, optional
            Column of likes, True or 1, and dislikes, False or 0; default ``"liked"`` where neither
            this nor `rating` is given.
        rating : str, optional
            Column of ratings, in place of `liked`.
        like_threshold : float, optional
            The lowest rating that is a like; needed with `rating`.

        Returns
        -------
        Interactions
            Its ``movie_ids`` are those of `data.movie_keys.movie_id`.

        Raises
        ------
        InvalidInteractionsError
            A column is missing, a value in it is missing or no key, or what `from_arrays` refuses.
        ValueError
            Both `liked` and `rating` are given, or only one of `rating` and `like_threshold`.

        Examples
        --------
        >>> df = pd.read_sql("SELECT customer, sku, score FROM reviews", connection)
        >>> Interactions.from_frame(
        ...     df, user="customer", movie="sku", rating="score", like_threshold=7
        ... )  # doctest: +SKIP
        """
        if liked is not None and rating is not None:
            raise ValueError("give liked or rating, not both")
        if (rating is None) != (like_threshold is None):
            raise ValueError("rating and like_threshold are given together")
        opinions = rating or liked or "liked"
        for column in (user, movie, opinions):
            _check_column(df, column)
        likes = df[opinions].to_numpy()
        if rating is not None:
            _check_numbers(rating, likes)
            likes = likes >= like_threshold
        return cls.from_arrays(df[user].to_numpy(), _movie_ids(movie, df[movie]), likes)

    @property
    def n_users(self) -> int:
        """Number of rows."""
        return len(self.indptr) - 1

    @property
    def n_movies(self) -> int:
        """Number of columns, rated or not."""
        return len(self.movie_ids)

    @property
    def n_ratings(self) -> int:
        """Number of likes and dislikes together."""
        return len(self.movie_rows)

    @property
    def ratings_per_user(self) -> NDArray[np.int64]:
        """Number of ratings of each user, shape (n_users,)."""
        return np.diff(self.indptr)

    @property
    def likes_per_user(self) -> NDArray[np.int64]:
        """Number of likes of each user, shape (n_users,)."""
        return np.diff(np.concatenate(([0], np.cumsum(self.liked, dtype=np.int64)))[self.indptr])

    @property
    def user_rows(self) -> NDArray[np.int64]:
        """Row of each rating, shape (n_ratings,)."""
        return np.repeat(np.arange(self.n_users), self.ratings_per_user)

    def user(self, row: int) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
        """Movie rows and likes of one user, each of shape (n_ratings of the user,)."""
        begin, end = self.indptr[row], self.indptr[row + 1]
        return self.movie_rows[begin:end], self.liked[begin:end]

    def ratings_of(self, user: Hashable) -> dict[int, bool]:
        """Return the ratings of one user: True for like, False for dislike, by movie id.

        Parameters
        ----------
        user : hashable
            A key of `user_keys`.

        Raises
        ------
        KeyError
            There is no such user.
        """
        found = np.flatnonzero(self.user_keys == user)
        if not len(found):
            raise KeyError(f"no user {user!r}")
        movie_rows, liked = self.user(int(found[0]))
        return dict(zip(self.movie_ids[movie_rows].tolist(), liked.tolist(), strict=True))

    def movie_counts(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Likes and dislikes of each movie, two arrays of shape (n_movies,)."""
        likes = np.bincount(self.movie_rows[self.liked], minlength=self.n_movies)
        dislikes = np.bincount(self.movie_rows[~self.liked], minlength=self.n_movies)
        return likes.astype(np.int64), dislikes.astype(np.int64)

    def select_users(self, rows: ArrayLike) -> Interactions:
        """Return the given users only, in the given order, over the same movies."""
        rows = np.asarray(rows)
        rows = np.flatnonzero(rows) if rows.dtype == np.bool_ else rows.astype(np.int64)
        counts = self.ratings_per_user[rows]
        indptr = np.concatenate(([0], np.cumsum(counts))).astype(np.int64)
        entries = np.arange(indptr[-1]) + np.repeat(self.indptr[rows] - indptr[:-1], counts)
        return Interactions(
            indptr, self.movie_rows[entries], self.liked[entries], self.user_keys[rows],
            self.movie_ids,
        )  # fmt: skip

    def select_ratings(self, keep: NDArray[np.bool_]) -> Interactions:
        """Return the same users and movies with only the ratings where `keep` is True."""
        kept = np.concatenate(([0], np.cumsum(keep, dtype=np.int64)))[self.indptr]
        return Interactions(
            kept, self.movie_rows[keep], self.liked[keep], self.user_keys, self.movie_ids
        )

    def with_movies(self, movie_ids: ArrayLike) -> Interactions:
        """Return the same users over other movies; ratings of movies not among them are left out.

        Users that have no rating left keep their (empty) row.
        """
        vocabulary = np.asarray(movie_ids, dtype=np.int64)
        position = _positions(self.movie_ids, vocabulary)[self.movie_rows]
        kept = self.select_ratings(position >= 0)
        rows = position[position >= 0]
        order = np.lexsort((rows, kept.user_rows))
        return Interactions(
            kept.indptr, rows[order].astype(np.int32), kept.liked[order], self.user_keys, vocabulary
        )

    def rated_movies_only(self, min_ratings: int = 1) -> Interactions:
        """Return the same users without the movies that have fewer ratings."""
        likes, dislikes = self.movie_counts()
        return self.with_movies(self.movie_ids[likes + dislikes >= min_ratings])


def _check_column(df: pd.DataFrame, column: str) -> None:
    if column not in df.columns:
        names = ", ".join(map(repr, df.columns))
        raise InvalidInteractionsError(f"no column {column!r} among {names}")
    missing = df[column].isna().to_numpy()
    if missing.any():
        raise InvalidInteractionsError(f"{column}[{int(missing.argmax())}] is missing")


def _check_numbers(column: str, values: NDArray[Any]) -> None:
    if values.dtype.kind not in "iuf":
        raise InvalidInteractionsError(f"{column} holds {values.dtype}, not numbers")


def _movie_ids(column: str, movies: pd.Series[Any]) -> NDArray[np.int64]:
    """Return the id of each row's movie; each key is converted once."""
    if movies.dtype.kind in "fb":
        message = f"{column} holds {movies.dtype}, neither whole numbers nor texts"
        raise InvalidInteractionsError(message)
    codes, keys = movies.factorize()
    try:
        ids = movie_ids(movie_key(key if isinstance(key, str) else int(key)) for key in keys)
    except (TypeError, ValueError) as error:
        raise InvalidInteractionsError(f"{column}: {error}") from error
    values: NDArray[np.int64] = ids[codes]
    return values


def _checked_columns(
    users: Sequence[Hashable] | ArrayLike, movies: ArrayLike, liked: ArrayLike
) -> tuple[NDArray[Any], NDArray[np.int64], NDArray[np.bool_]]:
    user_values, movie_values = np.asarray(users), np.asarray(movies)
    liked_values = np.asarray(liked)
    lengths = {len(user_values), len(movie_values), len(liked_values)}
    if len(lengths) > 1:
        raise InvalidInteractionsError(
            f"users, movies and liked differ in length: {len(user_values)}, "
            f"{len(movie_values)}, {len(liked_values)}"
        )
    if len(movie_values) and movie_values.dtype.kind not in "iu":
        raise InvalidInteractionsError(
            f"movies must be whole numbers, not {movie_values.dtype} (first: {movie_values[0]!r})"
        )
    wrong = ~np.isin(liked_values, (0, 1))
    if wrong.any():
        at = int(np.flatnonzero(wrong)[0])
        raise InvalidInteractionsError(f"liked[{at}] is {liked_values[at]!r}, neither 0 nor 1")
    return user_values, movie_values.astype(np.int64), liked_values.astype(np.bool_)


def _factorize(values: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[Any]]:
    """Positions and vocabulary of `values`, the vocabulary in the order of first appearance."""
    vocabulary, first, positions = np.unique(values, return_index=True, return_inverse=True)
    order = np.argsort(first, kind="stable")
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    return rank[positions.reshape(-1)], vocabulary[order]


def _positions(values: NDArray[np.int64], vocabulary: NDArray[np.int64]) -> NDArray[np.int64]:
    """Position of each value in `vocabulary`, -1 where it is not in it."""
    order = np.argsort(vocabulary, kind="stable")
    found = np.searchsorted(vocabulary, values, sorter=order)
    position = order[np.minimum(found, len(order) - 1)] if len(order) else found
    known = np.zeros(len(values), dtype=np.bool_)
    if len(order):
        known = vocabulary[position] == values
    return np.where(known, position, -1)


def _rows_of(movies: NDArray[np.int64], vocabulary: NDArray[np.int64]) -> NDArray[np.int64]:
    if len(np.unique(vocabulary)) != len(vocabulary):
        raise InvalidInteractionsError("movie_ids holds the same movie twice")
    rows = _positions(movies, vocabulary)
    if (rows < 0).any():
        at = int(np.flatnonzero(rows < 0)[0])
        raise InvalidInteractionsError(f"movies[{at}] is {movies[at]}, which is not in movie_ids")
    return rows

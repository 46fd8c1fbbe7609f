"""Who is held out, and which of their ratings are hidden.

*Strong generalisation* [1]_: whole users are held out of training; most of what each of them rated
is given to the model as input, and the rest is to be found.

References
----------
.. [1] D. Liang, R. Krishnan, M. Hoffman, T. Jebara. Variational Autoencoders for Collaborative
       Filtering. WWW 2018. Section 4.1.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from hashlib import blake2b
from typing import TYPE_CHECKING

import numpy as np

from data.interactions import Interactions

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import ArrayLike, NDArray

__all__ = [
    "MIN_LIKES",
    "Group",
    "HeldOut",
    "Split",
    "digests",
    "first_ratings",
    "gate_users",
    "groups_of",
    "hide_ratings",
    "holdout_groups",
    "random_places",
    "random_users",
    "split_by_salt",
    "strong_generalisation",
    "validation_users",
]

# Fewer likes than this leave nothing to find after hiding a fifth.
MIN_LIKES = 5
HIDDEN_SHARE = 0.2
HELD_OUT_SHARE = 0.2  # of the eligible users for testing, then of the rest for validation
VALIDATION_SHARE = 0.1  # where there are no test users
# Share of a database's users in the gate set, and the same in the validation set: about 60 of 600
# users. Beyond LARGE users half of that share is enough, and the other half trains.
GATE_SHARE, GATE_SHARE_LARGE, LARGE = 0.10, 0.05, 10_000


class Group(IntEnum):
    """What a user's ratings are used for."""

    TRAINING = 0
    VALIDATION = 1
    GATE = 2


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Held-out users: what the model is given of each, and what it has to find.

    Row for row the same users over the same movies; no rating is in both.

    Parameters
    ----------
    given, hidden : Interactions
    weights : float32 array, shape (n_given,), optional
        Weight of each given rating, for models that take one (`data.temporal.age_weights`).
    """

    given: Interactions
    hidden: Interactions
    weights: NDArray[np.float32] | None = field(default=None, kw_only=True)

    def with_movies(self, movie_ids: NDArray[np.int64]) -> HeldOut:
        """Return the users over other movies, without those who have no hidden like left.

        Without the weights of the ratings.
        """
        given, hidden = self.given.with_movies(movie_ids), self.hidden.with_movies(movie_ids)
        return HeldOut(given, hidden).select_users(hidden.likes_per_user > 0)

    def select_users(self, rows: ArrayLike) -> HeldOut:
        """Return the given users only, without the weights of the ratings."""
        return HeldOut(self.given.select_users(rows), self.hidden.select_users(rows))

    def first_users(self, n: int) -> HeldOut:
        """Return the first n users, or all where there are fewer, without weights."""
        return self.select_users(np.arange(min(n, self.given.n_users)))

    def everything(self) -> Interactions:
        """Return given and hidden ratings together: an input only of a leak test."""
        parts = (self.given, self.hidden)
        users = np.concatenate([part.user_rows for part in parts])
        movies = np.concatenate([part.movie_rows for part in parts])
        liked = np.concatenate([part.liked for part in parts])
        order = np.lexsort((movies, users))
        indptr = self.given.indptr + self.hidden.indptr
        given = self.given
        return Interactions(indptr, movies[order], liked[order], given.user_keys, given.movie_ids)


@dataclass(frozen=True, slots=True)
class Split:
    """Training, validation and test sets, all over the movies rated in training.

    Parameters
    ----------
    training : Interactions
        Models are fitted on it while settings are chosen.
    validation : HeldOut
        Settings are chosen by it.
    refit : Interactions
        Training and validation together: the chosen settings are fitted on it.
    test : HeldOut
        The result is judged by it.
    """

    training: Interactions
    validation: HeldOut
    refit: Interactions
    test: HeldOut

    def of_rated(self, min_ratings: int) -> Split:
        """Return the same users over the movies with at least so many ratings in training.

        Held-out users without a hidden like among these are left out.
        """
        training = self.training.rated_movies_only(min_ratings)
        if training.n_movies == self.training.n_movies:
            return self
        movie_ids = training.movie_ids
        return Split(
            training,
            self.validation.with_movies(movie_ids),
            self.refit.with_movies(movie_ids),
            self.test.with_movies(movie_ids),
        )


def hide_ratings(users: Interactions, rng: np.random.Generator) -> HeldOut:
    """Hide each rating with probability .2; users without a hidden like are left out.

    Parameters
    ----------
    users : Interactions
    rng : numpy.random.Generator

    Returns
    -------
    HeldOut
    """
    hidden = rng.random(users.n_ratings) < HIDDEN_SHARE
    to_find = users.select_ratings(hidden)
    judged = to_find.likes_per_user > 0
    given = users.select_ratings(~hidden)
    return HeldOut(given, to_find).select_users(judged)


def first_ratings(held_out: HeldOut, n: int, *, salt: str) -> HeldOut:
    """Give the first n ratings of each user in random order, and hide all others.

    Users without a hidden like are left out, so also those with n ratings or fewer.

    Parameters
    ----------
    held_out : HeldOut
        Its given and hidden ratings are taken together.
    n : int
    salt : str
        Fixes the order, see `random_places`: what is given for n is given for every larger n.
    """
    users = held_out.everything()
    first = random_places(users, salt) < n
    given, hidden = users.select_ratings(first), users.select_ratings(~first)
    judged = hidden.likes_per_user > 0
    return HeldOut(given, hidden).select_users(judged)


def random_users(held_out: HeldOut, n: int, *, salt: str) -> HeldOut:
    """Return at most n users, those with the smallest hashes of salt and key, in their order."""
    if held_out.given.n_users <= n:
        return held_out
    rows = np.sort(np.argsort(digests(held_out.given.user_keys, salt), kind="stable")[:n])
    return held_out.select_users(rows)


def random_places(users: Interactions, salt: str) -> NDArray[np.int64]:
    """Place of each rating, from 0, in a random order of its user's ratings.

    The order is by a hash of the salt, the user's key and the movie's id: it depends neither on
    other users nor on ratings that are added later.

    Parameters
    ----------
    users : Interactions
    salt : str

    Returns
    -------
    int64 array, shape (n_ratings,)
    """
    movies = _mixed(users.movie_ids.astype(np.uint64))
    keys = _mixed(digests(users.user_keys, salt)[users.user_rows] ^ movies[users.movie_rows])
    order = np.lexsort((keys, users.user_rows))
    places = np.empty(users.n_ratings, dtype=np.int64)
    places[order] = np.arange(users.n_ratings) - np.repeat(
        users.indptr[:-1], users.ratings_per_user
    )
    return places


def holdout_groups(
    user_keys: Iterable[object], salt: str, *, n_users: int | None = None
) -> NDArray[np.int8]:
    """Return the `Group` of each user: a fixed function of the salt and the user's key.

    u = blake2b(salt ‖ key) / 2^64 puts a user into the gate set where u < share, into the
    validation set where share <= u < 2 share, and into training otherwise. The share is .10, and
    .05 beyond 10,000 users. The rule does not depend on the ratings, so no user who becomes
    eligible later has been trained on before; and no training with one share reads the gate set of
    the other.

    Parameters
    ----------
    user_keys : iterable
        Keys of the users; ``str()`` of each is hashed.
    salt : str
        Fixed for the life of a database.
    n_users : int, optional
        Number of users that decides the share; default: the number of keys.

    Returns
    -------
    int8 array, shape (n_keys,)
    """
    hashes = digests(user_keys, salt)
    return groups_of(hashes, gate_share(len(hashes) if n_users is None else n_users))


def groups_of(hashes: NDArray[np.uint64], share: float) -> NDArray[np.int8]:
    """Return the `Group` of each user by the hash of the key (`digests`), as `holdout_groups`."""
    u = hashes / 2.0**64
    return np.select([u < share, u < 2 * share], [Group.GATE, Group.VALIDATION], 0).astype(np.int8)


def gate_share(n_users: int) -> float:
    """Return the share of the users in the gate set of a database with `n_users` users."""
    return GATE_SHARE_LARGE if n_users > LARGE else GATE_SHARE


def split_by_salt(interactions: Interactions, salt: str, *, seed: int = 0) -> Split:
    """Split a database's users by `holdout_groups`; the gate set is the test set.

    Only users with at least 5 likes are judged; the others of the gate and validation groups are
    neither judged nor trained on. A published model is not refitted.

    Parameters
    ----------
    interactions : Interactions
    salt : str
    seed : int
        Decides which ratings of the held-out users are hidden.
    """
    return _split(interactions, holdout_groups(interactions.user_keys, salt), seed)


def strong_generalisation(interactions: Interactions, *, seed: int = 0) -> Split:
    """Split as in Liang et al. 2018, with test users drawn at random.

    Users with at least 5 likes are eligible. A fifth of them are test users, a fifth of the rest
    validation users; the others, and those that are not eligible, train.

    Parameters
    ----------
    interactions : Interactions
    seed : int
        Decides the users and their hidden ratings.
    """
    rng = np.random.default_rng([seed, 0])
    eligible = rng.permutation(np.flatnonzero(interactions.likes_per_user >= MIN_LIKES))
    n_test = round(HELD_OUT_SHARE * len(eligible))
    n_validation = round(HELD_OUT_SHARE * (len(eligible) - n_test))
    groups = np.full(interactions.n_users, Group.TRAINING, dtype=np.int8)
    groups[eligible[:n_test]] = Group.GATE
    groups[eligible[n_test : n_test + n_validation]] = Group.VALIDATION
    return _split(interactions, groups, seed)


def validation_users(interactions: Interactions, *, seed: int = 0) -> tuple[Interactions, HeldOut]:
    """Hold out a tenth of the eligible users, to choose settings by; return the others and them.

    Parameters
    ----------
    interactions : Interactions
    seed : int
        Decides the users and their hidden ratings.
    """
    rng = np.random.default_rng([seed, 2])
    eligible = rng.permutation(np.flatnonzero(interactions.likes_per_user >= MIN_LIKES))
    groups = np.full(interactions.n_users, Group.TRAINING, dtype=np.int8)
    groups[eligible[: round(VALIDATION_SHARE * len(eligible))]] = Group.VALIDATION
    split = _split(interactions, groups, seed)
    return split.training, split.validation


def gate_users(
    interactions: Interactions,
    salt: str,
    movie_ids: NDArray[np.int64],
    *,
    n_users: int,
    seed: int = 0,
) -> HeldOut:
    """Return the test users of `split_by_salt`, over the movies that a model knows.

    Parameters
    ----------
    interactions : Interactions
    salt : str
    movie_ids : int64 array
        The model's movies.
    n_users : int
        Number of users when the model was trained, which decides the share held out.
    seed : int
        Decides which ratings are hidden.
    """
    groups = holdout_groups(interactions.user_keys, salt, n_users=n_users)
    return _held_out(interactions, groups, Group.GATE, movie_ids, seed)


def _split(interactions: Interactions, groups: NDArray[np.int8], seed: int) -> Split:
    training = interactions.select_users(groups == Group.TRAINING).rated_movies_only()
    movie_ids = training.movie_ids
    validation = _held_out(interactions, groups, Group.VALIDATION, movie_ids, seed)
    test = _held_out(interactions, groups, Group.GATE, movie_ids, seed)
    refit = interactions.select_users(groups != Group.GATE).with_movies(movie_ids)
    return Split(training, validation, refit, test)


def _held_out(
    interactions: Interactions,
    groups: NDArray[np.int8],
    group: Group,
    movie_ids: NDArray[np.int64],
    seed: int,
) -> HeldOut:
    eligible = interactions.likes_per_user >= MIN_LIKES
    users = interactions.select_users((groups == group) & eligible)
    # A generator of its own for each set: more validation users do not change the test.
    return hide_ratings(users.with_movies(movie_ids), np.random.default_rng([seed, group]))


def digests(user_keys: Iterable[object], salt: str) -> NDArray[np.uint64]:
    """Return the first 64 bits of blake2b(salt ‖ key) for each key, uint64, shape (n_keys,)."""
    prefix = salt.encode()
    digests = (blake2b(prefix + str(key).encode(), digest_size=8).digest() for key in user_keys)
    return np.array([int.from_bytes(digest, "big") for digest in digests], dtype=np.uint64)


def _mixed(x: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Mix the bits of each number: the output function of SplitMix64."""
    x = x + np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))

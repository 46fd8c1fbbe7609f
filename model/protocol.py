"""What a comparison was made on, in JSON values: data, splits, rules and versions."""

from __future__ import annotations

import hashlib
import os
import platform
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np

from data.splitting import HELD_OUT_SHARE, HIDDEN_SHARE, MIN_LIKES
from data.temporal import TimeSlices

if TYPE_CHECKING:
    from collections.abc import Mapping

    from data.interactions import Interactions
    from data.splitting import Split

__all__ = ["describe", "fingerprint", "protocol", "versions"]

LIBRARIES = ("recommender", "numpy", "scipy", "numba")


def _in_numbers(split: Split) -> dict[str, Any]:
    return {
        "n_movies": split.training.n_movies,
        "n_training_users": split.training.n_users,
        "n_validation_users": split.validation.given.n_users,
        "n_test_users": split.test.given.n_users,
        "n_test_given": split.test.given.n_ratings,
        "n_test_hidden_likes": int(split.test.hidden.liked.sum()),
        "n_test_hidden_dislikes": int((~split.test.hidden.liked).sum()),
        "sha256": {
            "training": fingerprint(split.training),
            "test_given": fingerprint(split.test.given),
            "test_hidden": fingerprint(split.test.hidden),
        },
    }


def describe(interactions: Interactions | TimeSlices) -> dict[str, Any]:
    """Sizes and fingerprints of the data."""
    if isinstance(interactions, TimeSlices):
        slices = (interactions.training, interactions.validation, interactions.test)
        return {
            "n_ratings": sum(part.n_ratings for part in slices),
            "n_likes": sum(int(part.liked.sum()) for part in slices),
            "fingerprint": [fingerprint(part) for part in slices],
        }
    return {
        "n_users": interactions.n_users,
        "n_movies": interactions.n_movies,
        "n_ratings": interactions.n_ratings,
        "n_likes": int(interactions.liked.sum()),
        "fingerprint": fingerprint(interactions),
    }


def protocol(
    interactions: Interactions | TimeSlices, splits: Mapping[int, Split]
) -> dict[str, Any]:
    """Rules, seeds and splits (by their seed) of a comparison."""
    if isinstance(interactions, TimeSlices):
        rule: dict[str, Any] = {
            "name": "temporal",
            "given": "what a user rated before the last period",
            "hidden": "what they rated within it",
        }
    else:
        rule = {
            "name": "strong",
            "min_likes": MIN_LIKES,
            "held_out_share": HELD_OUT_SHARE,
            "hidden_share": HIDDEN_SHARE,
        }
    return {
        **rule,
        "seeds": list(splits),
        "splits": [_in_numbers(split) for split in splits.values()],
        "catalogue": "the movies rated in training, without those given",
        "settings_chosen_on": "validation users, then refitted on training and validation",
        "versions": versions(),
        "cpus": os.cpu_count(),
    }


def versions() -> dict[str, str]:
    """Versions of Python, this package and the libraries that decide the figures."""
    libraries = {name: version(name) for name in LIBRARIES}
    return {"python": platform.python_version(), **libraries}


def fingerprint(interactions: Interactions) -> str:
    """SHA-256 of all users, movies, likes and dislikes, in their order."""
    digest = hashlib.sha256("\n".join(map(str, interactions.user_keys.tolist())).encode())
    for array, dtype in (
        (interactions.indptr, "<i8"),
        (interactions.movie_ids, "<i8"),
        (interactions.movie_rows, "<i4"),
        (interactions.liked, "?"),
    ):
        digest.update(np.ascontiguousarray(array, dtype=dtype).tobytes())
    return digest.hexdigest()

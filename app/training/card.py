"""Parts of a model's card: where the weights come from, and how the ratings have drifted."""

import platform
from datetime import UTC, datetime
from importlib.metadata import version as installed_version
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.live.drift import moment
from app.training.material import AllRatings, Groups, Origin
from app.training.warm_start import ActiveModel
from data.interactions import Interactions
from data.splitting import MIN_LIKES, gate_share
from model.training import EpochReport

# The libraries that decide the weights to the last bit.
LIBRARIES = ("numpy", "scipy", "numba")


def provenance(
    snapshot: Origin,
    split: Groups,
    movie_ids: NDArray[np.int64],
    seed: int,
    like_threshold: float,
) -> dict[str, Any]:
    """Say what the weights of these movies come from, so that others can get the same."""
    interactions = snapshot.interactions
    return {
        "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "dataset": {
            "name": snapshot.dataset_name,
            "sha256": snapshot.dataset_sha256,
        },
        "data": {
            "taken_at": snapshot.taken_at.isoformat(timespec="seconds"),
            "ratings_revision": snapshot.ratings_revision,
            "like_threshold": like_threshold,
            "n_users": interactions.n_users,
            "n_ratings": interactions.n_ratings,
            "n_movies": len(movie_ids),
            "share_of_ratings_on_unknown_films": unknown_share(interactions, movie_ids),
        },
        "holdout": {
            "rule": "blake2b(salt + user key) / 2**64: gate below share, validation below 2 share",
            "salt": snapshot.holdout_salt,
            "share": gate_share(interactions.n_users),
            "min_likes": MIN_LIKES,
            "n_training_users": split.training.n_users,
            "n_validation_users": split.validation.given.n_users,
            "n_gate_users": split.test.given.n_users,
        },
        "seed": seed,
        "versions": {
            "recommender": installed_version("recommender"),
            "python": platform.python_version(),
            **{name: installed_version(name) for name in LIBRARIES},
        },
    }


def drift(active: ActiveModel, snapshot: Origin) -> dict[str, Any] | None:
    """Say how far the ratings have drifted from the active model; None without one."""
    if active.model is None or "data" not in active.model.card:
        return None
    data, created_at = active.model.card["data"], moment(active.model.card.get("created_at"))
    n_ratings = data.get("n_ratings")
    return {
        "of_model": active.version,
        "age_seconds": (
            None if created_at is None else round((snapshot.taken_at - created_at).total_seconds())
        ),
        "ratings_more": (
            None if n_ratings is None else snapshot.interactions.n_ratings - n_ratings
        ),
        "share_of_ratings_on_unknown_films": unknown_share(
            snapshot.interactions, active.model.rbm.movie_ids
        ),
    }


def unknown_share(interactions: Interactions | AllRatings, movie_ids: NDArray[np.int64]) -> float:
    """Share of all ratings that are on movies not among these."""
    unlisted = interactions.n_unknown if isinstance(interactions, AllRatings) else 0
    counted = interactions.training if isinstance(interactions, AllRatings) else interactions
    likes, dislikes = counted.movie_counts()
    of_unknown = (likes + dislikes)[~np.isin(counted.movie_ids, movie_ids)]
    return round(float((of_unknown.sum() + unlisted) / max(interactions.n_ratings, 1)), 6)


def point(report: EpochReport) -> dict[str, Any]:
    """Give an epoch as a point of the learning curve."""
    return {
        "epoch": report.epoch,
        "reconstruction_error": report.reconstruction_error,
        "validation_ndcg@100": report.validation_ndcg,
        "free_energy_gap": report.free_energy_gap,
        "seconds": round(report.seconds, 3),
    }

"""Splits the users of a database into those to train on, to validate on and to judge on."""

from app.datasets.snapshot import Snapshot
from app.jobs.errors import TrainingError
from data.interactions import Interactions
from data.splitting import MIN_LIKES, Split, gate_share, split_by_salt


def split_users(snapshot: Snapshot, seed: int) -> Split:
    """Split the users of a database as for its published models; refuse too few users."""
    if snapshot.interactions.n_ratings == 0:
        raise TrainingError("the database has no ratings: run `recommender import` first")
    split = split_by_salt(snapshot.interactions, snapshot.holdout_salt, seed=seed)
    if split.training.n_ratings == 0 or split.test.given.n_users < 2:
        raise TrainingError(_too_few(snapshot.interactions))
    return split


def leave_out_rare(split: Split, min_ratings: int) -> Split:
    """Leave out the movies with fewer ratings of training users; refuse to leave out all."""
    kept = split.of_rated(min_ratings)
    if not kept.training.n_movies:
        raise TrainingError(
            f"min_ratings is {min_ratings}, and no movie has so many ratings of training users"
        )
    return kept


def _too_few(interactions: Interactions) -> str:
    n_users = interactions.n_users
    n_able = int((interactions.likes_per_user >= MIN_LIKES).sum())
    if n_able == 0:
        return (
            f"none of {n_users} users has {MIN_LIKES} likes or more: the model could be judged on "
            "no user"
        )
    return (
        f"{n_users} users are too few, {n_able} of them with {MIN_LIKES} likes or more: the model "
        f"is judged on about {gate_share(n_users):.0%} of these, and that must be at least 2 users"
    )

"""The Restricted Boltzmann Machine: equations, training, scoring, evaluation, artifacts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model.config import Config
from model.rbm import RBM

if TYPE_CHECKING:
    from data.interactions import Interactions

__all__ = ["RBM", "Config", "train"]


def train(interactions: Interactions, config: Config | None = None, *, seed: int = 0) -> RBM:
    """Train an RBM; see `model.training.train`.

    Without a configuration, `Config.for_data` gives one by the number of users, and where there
    are enough of them `model.candidates.train_best` looks for a better one near it.

    Imported when called: serving needs nothing of what training needs.
    """
    from model.candidates import SEARCHED, train_best  # noqa: PLC0415
    from model.training import train as train_as_configured  # noqa: PLC0415

    if config is None and interactions.n_users in SEARCHED:
        return train_best(interactions, seed=seed)
    return train_as_configured(interactions, config, seed=seed)

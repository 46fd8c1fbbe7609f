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

    Imported when called: serving needs nothing of what training needs.
    """
    from model.training import train as run  # noqa: PLC0415

    return run(interactions, config, seed=seed)

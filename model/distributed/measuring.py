"""The figures of an epoch, computed by a worker, so that the driver holds no weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from model.dislikes import weigh_in_place
from model.distributed.parameters import Layout, read
from model.engine import compute_threads
from model.initialise import base_rates
from model.monitor import FreeEnergyMonitor, RankingMonitor
from model.rbm import RBM

if TYPE_CHECKING:
    from data.interactions import Interactions
    from data.splitting import HeldOut
    from data.totals import Totals
    from model.config import Config
    from model.distributed.parameters import File
    from model.distributed.users import Kept

__all__ = ["machine", "measure"]


def machine(file: File, n_kept: int, totals: Totals, config: Config) -> RBM:
    """Read the trained machine, the mean of `n_kept` epochs whose sum is in the file."""
    layout = Layout(totals.n_movies, config.n_hidden)
    vector = read(file, slice(0, layout.n_parameters))
    vector /= np.float32(n_kept)
    return RBM(*layout.split(vector), totals.movie_ids, totals.mean_ratings, config.classic)


def measure(
    users: Interactions, kept: Kept, held_out: HeldOut, file: File, n_kept: int, config: Config
) -> tuple[float | None, float | None]:
    """NDCG@100 of held-out users, and the free-energy gap between them and these users.

    See `model.monitor`.
    """
    with compute_threads(1):
        trained = machine(file, n_kept, kept.totals, config)
        energies = FreeEnergyMonitor(users, held_out, base_rates(kept.totals))
        ranking = RankingMonitor(held_out)
        gap = energies.gap(trained)
        weigh_in_place(trained, config.dislike_weight)
        return ranking.ndcg(trained), gap

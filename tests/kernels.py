"""Compiles the kernels before the tests begin: else each process of pytest compiles all it needs.

python -m tests.kernels
"""

from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from model.config import Config
from model.fold_in import Given
from model.lists import ListMaker
from model.rbm import RBM
from model.training import train
from model.two_stages import TwoStages
from tests.model.machines import draw_user, with_everything
from tests.model.planted import planted


def learning() -> None:
    """Compile what training, couplings and calibration use."""
    for is_classic in (False, True):
        train(planted(), Config(n_epochs=1, n_hidden=2, classic=is_classic))


def lists() -> None:
    """Compile what lists use, with weights in memory and with those of a file, read-only."""
    rbm, given = with_everything(0), Given(*draw_user(0, 5))
    allowed = np.ones(rbm.n_movies, dtype=np.bool_)
    with TemporaryDirectory() as folder:
        saved = Path(folder) / "machine"
        rbm.save(saved)
        for machine in (rbm, RBM.load(saved)):
            ListMaker(machine, allowed).lists([given], [given.movie_rows[:0]], 3)
            TwoStages(machine).first(given, allowed, 3)


def main() -> None:
    """Compile both at once."""
    with ProcessPoolExecutor(2) as pool:
        for task in [pool.submit(learning), pool.submit(lists)]:
            task.result()


if __name__ == "__main__":
    main()

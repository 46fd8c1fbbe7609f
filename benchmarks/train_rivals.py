"""Rivals in training, one process each: a line of input asks for a round, one of JSON reports it.

    python -m benchmarks.train_rivals NAME DATA.npz N_BATCHES

Each trains an RBM of the same number of hidden units on batches of the same users, in float32; the
threads are those that the environment allows. A round is `N_BATCHES` batches of an epoch, or the
whole epoch if it has no more. Separate processes separate the peak memory of the rivals.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from data import Interactions
from model.config import Config
from model.rbm import columns
from model.training import Trainer

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Batches = list[NDArray[np.int64]]

N_HIDDEN = 500


def config_of(data: Interactions) -> Config:
    """Return the default settings, but for the number of hidden units and endless epochs."""
    return Config.for_data(data).model_copy(update={"n_hidden": N_HIDDEN, "n_epochs": 100_000})


def save(data: Interactions, path: Path) -> None:
    """Write the ratings where `load` finds them."""
    np.savez(path, indptr=data.indptr, movie_rows=data.movie_rows, liked=data.liked,
             n_movies=data.n_movies)  # fmt: skip


def load(path: Path) -> Interactions:
    """Read what `save` has written."""
    arrays = np.load(path)
    indptr = arrays["indptr"]
    keys, ids = np.arange(len(indptr) - 1), np.arange(int(arrays["n_movies"]))
    return Interactions(indptr, arrays["movie_rows"], arrays["liked"], keys, ids)


def ours(data: Interactions, batches: Batches) -> Callable[[], object]:
    """Train as `Trainer` does; where not all batches are taken, without the end of the epoch."""
    trainer = Trainer(data, config_of(data))
    if sum(map(len, batches)) == data.n_users:
        epochs = trainer.epochs()
        return lambda: next(epochs)
    return lambda: [trainer.engine.update(users, decay=1.0) for users in batches]


def product(data: Interactions, batches: Batches) -> Callable[[], object]:
    """Compute H Wᵀ of every batch, in one product of floats by NumPy."""
    rng = np.random.default_rng(0)
    n = max(map(len, batches))
    H = (rng.random((n, N_HIDDEN)) < 0.3).astype(np.float32)
    W = rng.standard_normal((2 * data.n_movies, N_HIDDEN), dtype=np.float32)
    x: NDArray[np.float32] = np.empty((n, 2 * data.n_movies), dtype=np.float32)
    return lambda: [np.dot(H[: len(users)], W.T, out=x[: len(users)]) for users in batches]


def scikit_learn(data: Interactions, batches: Batches) -> Callable[[], object]:
    """Fit BernoulliRBM to likes alone: half of our visible units.

    It learns by a persistent chain, with neither momentum nor decay. Its initial weights are drawn
    at every fit; they are not counted (`round_seconds`).
    """
    # As PyTorch below, installed for benchmarks alone.
    from sklearn.neural_network import BernoulliRBM  # type: ignore # noqa: PGH003, PLC0415

    users = np.concatenate(batches)
    likes = dense(data, users)[:, ::2].copy()
    peer = BernoulliRBM(N_HIDDEN, batch_size=len(batches[0]), n_iter=1, random_state=0)
    return lambda: peer.fit(likes)


def pytorch(data: Interactions, batches: Batches) -> Callable[[], object]:
    """Train the same machine by dense matrices: CD-1 with momentum and decay, no tricks."""
    import torch  # type: ignore # noqa: PGH003, PLC0415

    torch.manual_seed(0)
    W = 0.01 * torch.randn(2 * data.n_movies, N_HIDDEN)
    a, b = torch.full((2 * data.n_movies,), -4.0), torch.zeros(N_HIDDEN)
    velocity = [torch.zeros_like(parameter) for parameter in (W, a, b)]

    def update(users: NDArray[np.int64]) -> None:
        v0 = torch.from_numpy(dense(data, users))
        p0 = torch.sigmoid(v0 @ W + b)
        h = torch.bernoulli(p0)
        x = torch.exp(h @ W.T + a).view(len(users), -1, 2)
        z = torch.rand(x.shape[:2]) * (1 + x.sum(dim=2))
        like = z < x[:, :, 0]
        dislike = ~like & (z < x.sum(dim=2))
        vk = torch.stack((like, dislike), dim=2).view(len(users), -1).float()
        pk = torch.sigmoid(vk @ W + b)
        n = len(users)
        slopes = (
            (v0.T @ p0 - vk.T @ pk) / n - 0.005 * W,
            (v0 - vk).mean(dim=0),
            (p0 - pk).mean(dim=0),
        )
        for parameter, speed, slope in zip((W, a, b), velocity, slopes, strict=True):
            speed.mul_(0.9).add_(slope, alpha=0.01)
            parameter.add_(speed)

    def run() -> None:
        for users in batches:
            update(users)

    return run


def dense(data: Interactions, users: NDArray[np.int64]) -> NDArray[np.float32]:
    """V of some users with all its zeros, shape (n, 2 n_movies)."""
    chosen = data.select_users(users)
    V = np.zeros((len(users), 2 * data.n_movies), dtype=np.float32)
    V[chosen.user_rows, columns(chosen.movie_rows, chosen.liked)] = 1
    return V


RIVALS = {"ours": ours, "product": product, "scikit-learn": scikit_learn, "PyTorch": pytorch}


def timed(run: Callable[[], object]) -> NDArray[np.float64]:
    """Wall and processor seconds of one run."""
    wall, processor = time.perf_counter(), time.process_time()
    run()
    return np.array((time.perf_counter() - wall, time.process_time() - processor))


def peak_memory() -> float:
    """Return the most memory that the process has had so far, in MiB (Linux)."""
    # getrusage() would count what the parent had when it started this process.
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def main() -> None:
    """Report the time of a round for every line of input."""
    name, path, n_batches = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    data = load(path)
    count = -(-data.n_users // config_of(data).batch_size)
    order = np.random.default_rng(0).permutation(data.n_users)
    batches = np.array_split(order, count)[:n_batches]
    run = RIVALS[name](data, batches)
    # What fit() does before its first batch: a fit to one batch, less that batch.
    begin = scikit_learn(data, batches[:1]) if name == "scikit-learn" else None
    for _ in sys.stdin:
        spent = timed(run)
        if begin is not None and len(batches) > 1:
            spent = (spent - timed(begin)) * len(batches) / (len(batches) - 1)
        wall, processor = (spent * count / len(batches)).tolist()
        print(json.dumps({"wall_s": wall, "processor_s": processor, "peak_mib": peak_memory()}))
        sys.stdout.flush()


if __name__ == "__main__":
    main()

"""Training on Dask's workers beside one process: quality at equal epochs, and throughput.

    python -m benchmarks.distributed quality [--planted]     NDCG@100, R = 1, 2 and 4
    python -m benchmarks.distributed throughput [--workers 2] [--users 138000]

Quality is that of held-out test users, on 3 splits of ml-latest-small, or on a million ratings
with planted tastes; both are finished and judged in the same way. Throughput is that of an epoch
by R one-threaded workers on shards, everything that a round does included, beside the batches of
one process with one and with two threads, and of R processes at once that exchange nothing: what
the machine's cores can do together. All in turn; loading and the first compilation are not timed.
"""

from __future__ import annotations

import argparse
import hashlib
import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.train_data import ml_latest_small, planted, power_law
from data.shards import Movies, Partition, Shard, Source, movies_table, users_table
from data.splitting import strong_generalisation
from model.config import Config
from model.distributed.cluster import connected
from model.distributed.plan import SHARDS_PER_REPLICA, Distribution
from model.distributed.trainer import DistributedTrainer
from model.engine import Engine, compute_threads
from model.evaluation import judge
from model.finish import finish
from model.initialise import initialise
from model.training import Trainer

if TYPE_CHECKING:
    from distributed import Client

    from data import Interactions
    from data.splitting import Split
    from model.rbm import RBM

REPLICAS = (2, 4)
SPLITS = range(3)
# Batches of one process that are timed at once, after as many that are not.
TIMED = 30
THREADS = {"1 thread": 1, "2 threads": 2}


def main() -> None:
    """Measure what is asked for, and print it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("quality", "throughput"))
    parser.add_argument("--planted", action="store_true", help="a million ratings")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--users", type=int, default=138_000, help="of the ml-20m shape")
    parser.add_argument("--movies", type=int, default=26_700)
    parser.add_argument("--epochs", type=int, default=1)
    arguments = parser.parse_args()
    with connected(f"local:{arguments.workers}") as client:
        if arguments.what == "quality":
            quality(client, *_data(is_planted=arguments.planted))
        else:
            data = power_law(
                arguments.users,
                arguments.movies,
                round(arguments.users * 20_000_000 / 138_000),
            )
            throughput(client, arguments.workers, data, arguments.epochs)


def _data(*, is_planted: bool) -> tuple[str, Interactions, range]:
    if is_planted:
        return "planted tastes, 1 M", planted(6_040, 3_700, 1_000_000), range(1)
    name, data = ml_latest_small()
    return name, data.with_movies(np.sort(data.movie_ids)), SPLITS


def quality(client: Client, name: str, data: Interactions, splits: range) -> None:
    """Train on each split in one process and with R replicas; print NDCG@100 of test users."""
    scores: dict[int, list[float]] = {R: [] for R in (1, *REPLICAS)}
    for seed in splits:
        split = strong_generalisation(data, seed=seed)
        for R, found in scores.items():
            started = time.perf_counter()
            found.append(_ndcg(_trained(client, split, R, seed), split))
            seconds = time.perf_counter() - started
            print(f"  split {seed}, R = {R}: {found[-1]:.4f} in {seconds:.0f} s", flush=True)
    one = statistics.mean(scores[1])
    for R in REPLICAS:
        share = statistics.mean(scores[R]) / one
        print(f"{name}, R = {R}: {share:.4f} of the NDCG@100 of one process, {one:.4f}")


def _trained(client: Client, split: Split, R: int, seed: int) -> RBM:
    config = Config.for_data(split.training)
    if R == 1:
        trainer = Trainer(split.training, config, seed=seed)
        list(trainer.epochs())
        return trainer.rbm()
    with tempfile.TemporaryDirectory() as folder:
        found = _shards(split.training, f"{folder}/shards", SHARDS_PER_REPLICA * R)
        distributed = DistributedTrainer(client, found, config, seed=seed)
        list(distributed.epochs())
        return distributed.rbm()


def _ndcg(rbm: RBM, split: Split) -> float:
    """Finish a machine as without validation users, the same for all, and judge it."""
    config = Config.for_data(split.training)
    finished = finish(rbm, split.training, None, config)
    return float(judge(finished, split.test)["ndcg@100"].mean())


def _shards(training: Interactions, folder: str, n_shards: int) -> Partition:
    """Write all users of a training set as shards: nobody is held out of it again."""
    likes, dislikes = training.movie_counts()
    ids = training.movie_ids
    keys = ids.astype(str).astype(object)
    movies = _put(folder, "movies.parquet", movies_table(Movies(ids, keys, likes, dislikes)))
    shards = []
    for number in range(n_shards):
        users = training.select_users(np.arange(number, training.n_users, n_shards))
        file = f"training-{number:05d}.parquet"
        sha256 = _put(folder, file, users_table(users))
        shards.append(Shard(file, sha256, users.n_users, users.n_ratings))
    nobody = Shard("", "", 0, 0)
    return Partition(
        folder, 4.0, "", Source("a benchmark", None, ""), training.n_users, training.n_ratings, 0,
        Shard("movies.parquet", movies, 0, 0), training.n_movies, tuple(shards), nobody, nobody,
    )  # fmt: skip


def _put(folder: str, name: str, table: pa.Table) -> str:
    path = Path(folder) / name
    path.parent.mkdir(exist_ok=True)
    pq.write_table(table, path)
    return hashlib.sha256(path.read_bytes()).hexdigest()


def throughput(client: Client, workers: int, data: Interactions, n_epochs: int) -> None:
    """Time an epoch of the workers between batches of one process, and print users per second."""
    config = Config.for_data(data).model_copy(update={"n_epochs": n_epochs})
    print(f"{data.n_users:,} x {data.n_movies:,}, {data.n_ratings:,} ratings", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        found = _shards(data, f"{folder}/shards", SHARDS_PER_REPLICA * workers)
        how = Distribution(replicas=workers)
        trainer = DistributedTrainer(client, found, config, distribution=how)
        trainer.users.gather(trainer.users.each(len_of, "loaded"))
        rates: dict[str, list[float]] = {name: [] for name in (*THREADS, "apart", "workers")}
        epochs = trainer.epochs()
        for number in range(n_epochs + 1):
            for name, threads in THREADS.items():
                rates[name].append(_one_process(data, config, threads))
            apart = trainer.users.each(one_thread, f"apart-{number}", config)
            rates["apart"].append(sum(trainer.users.gather(apart)))
            if number < n_epochs:
                rates["workers"].append(found.n_training_users / next(epochs).seconds)
    mean = {name: statistics.mean(each) for name, each in rates.items()}
    for name, rate in mean.items():
        share = mean["workers"] / rate
        print(f"  {name:10}{rate:10,.0f} users per second; workers / this {share:.2f}")


def one_thread(users: Interactions, config: Config) -> float:
    """Return the users per second of a worker that exchanges nothing."""
    return _one_process(users, config, 1)


def len_of(users: Interactions) -> int:
    """Return how many users a worker has loaded."""
    return users.n_users


def _one_process(data: Interactions, config: Config, threads: int) -> float:
    """Return the users per second of an engine, its buffers made and its pages touched."""
    engine = Engine(data, initialise(data, config, 0), config, seed=0, threads=threads)
    batch = config.batch_size
    with compute_threads(threads):
        for step in range(2 * TIMED):
            if step == TIMED:
                started = time.perf_counter()
            users = np.arange(step * batch, (step + 1) * batch) % data.n_users
            engine.update(users, decay=1.0)
    return TIMED * batch / (time.perf_counter() - started)


if __name__ == "__main__":
    main()

"""Trainings on shards: what they learn, and that nothing but data, seed and settings matters."""

import gc
import time
import weakref
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from distributed import Client, KilledWorker

from data.shards import Partition
from data.splitting import HeldOut
from model.checkpoint import CheckpointError
from model.config import Config
from model.distributed import rounds, users
from model.distributed.plan import Distribution, key_of
from model.distributed.state import State
from model.distributed.trainer import DistributedTrainer
from model.engine import Engine, compute_threads
from model.initialise import initialise
from model.training import DivergenceError
from tests.model.distributed.conftest import in_process

CONFIG = Config(n_hidden=8, n_epochs=3, batch_size=40, averaged_share=0.7)
Train = Callable[..., DistributedTrainer]


@pytest.fixture
def trainer(client: Client, partition: Partition, tmp_path: Path) -> Train:
    def make(config: Config = CONFIG, **options: Any) -> DistributedTrainer:
        how = Distribution(
            replicas=options.pop("replicas", 2),
            local_batches=options.pop("local_batches", None),
            lag=options.pop("lag", False),
            folder=str(tmp_path / "rounds"),
        )
        used = options.pop("client", client)
        return DistributedTrainer(used, partition, config, distribution=how, **options)

    return make


def trained(trainer: DistributedTrainer) -> list[np.ndarray]:
    list(trainer.epochs())
    assert trainer.finished
    rbm = trainer.rbm()
    return [rbm.W, rbm.a, rbm.b]


def assert_same_bits(first: list[np.ndarray], second: list[np.ndarray]) -> None:
    for one, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_round_adds_the_mean_of_what_the_replicas_change(trainer: Train) -> None:
    config = CONFIG.model_copy(update={"n_epochs": 1, "dislike_weight": 1.0})
    made = trainer(config, local_batches=100)
    parts = made.users.gather(made.users.of_replicas)
    totals = made.users.totals
    steps, fresh = made.plan.steps(0), initialise(totals, config, seed=0)
    changes, weights = [], []
    for number, part in enumerate(parts):
        own = replace(fresh, W=fresh.W.copy(), a=fresh.a.copy(), b=fresh.b.copy())
        key = key_of(0, number)
        engine = Engine(part, own, config, seed=key, threads=1, totals=totals)
        batches = made.plan.batches(np.arange(part.n_users), steps, 0, number)
        with compute_threads(1):
            for step, batch in enumerate(batches):
                engine.update(batch, decay=1 - step / steps.n)
        changes.append([own.W - fresh.W, own.a - fresh.a, own.b - fresh.b])
        weights.append(sum(map(len, batches)))
    after = trained(made)
    for place, start in enumerate((fresh.W, fresh.a, fresh.b)):
        mean = np.average([each[place] for each in changes], axis=0, weights=weights)
        np.testing.assert_allclose(after[place], start + mean, atol=1e-6)
        assert np.abs(mean).max() > 1e-4


def test_the_number_of_workers_changes_no_bit(trainer: Train) -> None:
    two = trained(trainer(replicas=3))
    with in_process(1) as alone:
        assert_same_bits(trained(trainer(replicas=3, client=alone)), two)


def test_a_stopped_training_resumes_to_the_same_bits(trainer: Train) -> None:
    whole = trained(trainer(local_batches=3))
    first = trainer(local_batches=3)
    for _ in first.epochs():
        first.stop()  # the next round begins, and no other
        break
    part = trainer(local_batches=3)
    part.resume()
    assert [report.epoch for report in part.curve] == [1]
    assert_same_bits(trained(part), whole)


def test_a_killed_driver_goes_on_from_the_last_round(
    trainer: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = trained(trainer(local_batches=3))
    killed = trainer(local_batches=3)
    write, n_calls = State.write, 0

    def die(*args: Any, **how: Any) -> None:
        nonlocal n_calls
        n_calls += 1
        if n_calls == 5:  # the vector of the round is written, the state is not
            raise KeyboardInterrupt
        write(*args, **how)

    monkeypatch.setattr(State, "write", die)
    with pytest.raises(KeyboardInterrupt):
        list(killed.epochs())
    monkeypatch.undo()
    resumed = trainer(local_batches=3)
    resumed.resume()
    assert_same_bits(trained(resumed), whole)


def test_another_run_is_not_resumed(trainer: Train) -> None:
    trained(trainer())
    for other in (
        trainer(seed=1), trainer(replicas=3), trainer(CONFIG.model_copy(update={"l2": 0.1})),
        trainer(local_batches=1),
    ):  # fmt: skip
        with pytest.raises(CheckpointError, match="there is no checkpoint of this run"):
            other.resume()


def test_a_damaged_round_is_not_resumed(trainer: Train) -> None:
    made = trainer()
    trained(made)
    path = max(Path(made.folder).glob("round-*.f32"))
    content = bytearray(path.read_bytes())
    content[8] ^= 1
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=f"{path.name} is damaged"):
        trainer().resume()


def test_only_the_files_that_count_are_kept_and_removed_in_the_end(trainer: Train) -> None:
    made = trainer()
    trained(made)
    names = sorted(path.name for path in Path(made.folder).iterdir())
    assert names == ["epochs-000003.f32", "round-000003.f32", "state.json"]
    made.remove()
    assert not Path(made.folder).exists()


def test_weights_that_diverge_are_refused_and_the_last_good_ones_kept(trainer: Train) -> None:
    made = trainer(
        CONFIG.model_copy(update={"learning_rate_weights": 10.0, "l2": 10.0, "n_epochs": 40})
    )
    with pytest.raises(DivergenceError, match="training diverged in epoch"):
        list(made.epochs())
    assert np.isfinite(made.rbm().W).all()


def worker_killed() -> Exception:
    worker: Any = SimpleNamespace(address="tcp://a-worker:1")
    return KilledWorker("round", worker, 3)


@pytest.mark.parametrize("error", [worker_killed(), users.WorkersLostError("all")], ids=type)
def test_a_round_whose_workers_die_begins_again(
    trainer: Train, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    whole = trained(trainer())
    train, n_calls = rounds.Rounds.train, 0

    def fail(*args: Any) -> Any:
        nonlocal n_calls
        n_calls += 1
        if n_calls in {2, 3}:
            raise error
        return train(*args)

    monkeypatch.setattr(rounds.Rounds, "train", fail)
    assert_same_bits(trained(trainer()), whole)
    assert n_calls == 5


def test_work_of_workers_that_have_all_gone_is_not_waited_for(
    trainer: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = [["a", "b"], ["b", "c"], [], ["c"], ["d"]]
    made = trainer().users
    monkeypatch.setattr(made, "_seen", {"a"})
    monkeypatch.setattr(users, "workers", lambda _: there.pop(0))
    monkeypatch.setattr(users, "LOOK_S", 0)
    with pytest.raises(users.WorkersLostError):
        made.wait_for([SimpleNamespace(done=lambda: False)], 1)  # type: ignore[list-item]
    assert there == []


def test_what_was_waited_for_long_is_given_up_without_garbage_collection(
    trainer: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Workers keep what a future stands for: of a round, as much as the parameters."""
    monkeypatch.setattr(users, "LOOK_S", 0.01)
    made = trainer().users
    gc.disable()
    try:
        work = made.submit(time.sleep, 0.2, name="slow")
        made.result(work)
        future = weakref.ref(work)
        del work
        end = time.monotonic() + 20
        while future() is not None and time.monotonic() < end:
            time.sleep(0.01)
        assert future() is None
    finally:
        gc.enable()


def test_a_slow_replica_lags_a_round_where_it_may(
    trainer: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, came = trainer(lag=True, replicas=3, local_batches=5), []

    def in_time(self: rounds.Rounds, number: int, work: Any) -> Any:
        """Replica 1 is late in the second round."""
        self.users.wait_for(list(work.values()), len(work))
        self.late = {1: work[1]} if number == 1 else {}
        found = {place: each for place, each in work.items() if place not in self.late}
        came.append([(place, each.key.rsplit("round-")[1]) for place, each in found.items()])
        return found

    monkeypatch.setattr(rounds.Rounds, "in_time", in_time)
    trained(made)
    assert came[1] == [(0, "1-0"), (2, "1-2")]
    assert came[2] == [(0, "2-0"), (1, "1-1"), (2, "2-2")]
    assert came[3] == [(0, "3-0"), (1, "3-1"), (2, "3-2")]


def test_who_is_late_is_not_waited_for_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    class Work:
        def __init__(self, *, done: bool) -> None:
            self.done = lambda: done

    none: Any = SimpleNamespace(wait_for=lambda *_, **__: None)
    made = rounds.Rounds(none, None, CONFIG, 0, lag=True, late={})  # type: ignore[arg-type]
    monkeypatch.setattr(rounds.Rounds, "n_rounds", 10)
    work: Any = {0: Work(done=True), 1: Work(done=False), 2: Work(done=True)}
    assert set(made.in_time(0, work)) == {0, 2}
    assert set(made.late) == {1}
    done: Any = {place: Work(done=True) for place in range(3)}
    assert set(made.in_time(1, done)) == {0, 1, 2}
    assert made.late == {}
    made.lag = False
    assert made.in_time(2, work) is work


def test_rare_movies_and_users_of_nothing_else_are_left_out(
    trainer: Train, partition: Partition
) -> None:
    movies = partition.read_movies()
    counts = movies.likes + movies.dislikes
    least = int(np.median(counts))
    made = trainer(CONFIG.model_copy(update={"min_ratings": least}))
    np.testing.assert_array_equal(made.users.totals.movie_ids, movies.ids[counts >= least])
    parts = made.users.gather(made.users.of_replicas)
    assert sum(part.n_ratings for part in parts) == made.users.totals.n_ratings
    rated = sum(np.count_nonzero(part.ratings_per_user) for part in parts)
    assert made.users.totals.n_users == rated
    W, *_ = trained(made)
    assert len(W) == (counts >= least).sum()


def test_a_warm_start_begins_with_the_weights_of_the_earlier_machine(trainer: Train) -> None:
    made = trainer()
    trained(made)
    slow = CONFIG.model_copy(
        update={f"learning_rate_{which}": 1e-9 for which in ("weights", "visible", "hidden")}
        | {"l2": 0.0}
    )
    W, a, b = trained(trainer(slow, start=made.rbm()))
    earlier = made.rbm()
    np.testing.assert_allclose(W, earlier.W, atol=1e-5)
    np.testing.assert_allclose(a, earlier.a, atol=1e-5)
    np.testing.assert_allclose(b, earlier.b, atol=1e-5)


def test_reports_have_the_figures_of_an_epoch(trainer: Train, validation: HeldOut) -> None:
    reports = list(trainer(validation=validation).epochs())
    assert [report.epoch for report in reports] == [1, 2, 3]
    for report in reports:
        assert 0 < report.reconstruction_error < 1
        assert report.validation_ndcg is not None
        assert report.free_energy_gap is not None

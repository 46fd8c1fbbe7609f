"""Whole training runs: what they learn, what they report, and that they can be repeated."""

import hashlib
import subprocess
import sys
from typing import Any

import numba
import numpy as np
import pytest
from pydantic import ValidationError

from data import Interactions
from data.splitting import Split, strong_generalisation
from model import train
from model.baselines import Popularity
from model.config import Config
from model.engine import Engine
from model.evaluation import judge
from model.monitor import RankingMonitor
from model.training import DivergenceError, EpochReport, Trainer
from tests.model.planted import planted

SMALL = Config(n_hidden=16, n_epochs=4, batch_size=20)


@pytest.fixture(scope="module")
def split() -> Split:
    return strong_generalisation(planted())


@pytest.fixture(scope="module")
def run(split: Split) -> tuple[Trainer, list[EpochReport]]:
    config = Config(n_hidden=20, n_epochs=30, batch_size=32)
    trainer = Trainer(split.training, config, validation=split.validation)
    return trainer, list(trainer.epochs())


@pytest.mark.slow
def test_the_ranking_is_far_better_than_popularity_on_planted_tastes(
    split: Split, run: tuple[Trainer, list[EpochReport]]
) -> None:
    learnt = judge(run[0].rbm(), split.test)["ndcg@10"].mean()
    popular = judge(Popularity.fit(split.training), split.test)["ndcg@10"].mean()
    assert learnt > 1.5 * popular


def test_reports_count_the_epochs_while_the_error_falls_and_the_ranking_improves(
    run: tuple[Trainer, list[EpochReport]],
) -> None:
    reports = run[1]
    assert [(report.epoch, report.n_epochs) for report in reports] == [
        (epoch, 30) for epoch in range(1, 31)
    ]
    assert 0 < reports[-1].reconstruction_error < 0.9 * reports[0].reconstruction_error < 1
    assert reports[-1].validation_ndcg is not None
    assert reports[0].validation_ndcg is not None
    assert reports[-1].validation_ndcg > 1.2 * reports[0].validation_ndcg
    assert all(report.seconds > 0 for report in reports)


@pytest.mark.parametrize("classic", [False, True])
def test_the_monitor_agrees_with_the_evaluation(split: Split, *, classic: bool) -> None:
    trainer = Trainer(split.training, SMALL.model_copy(update={"classic": classic}))
    list(trainer.epochs())
    rbm = trainer.rbm()  # not finished: the prior is fitted after the last epoch
    expected = judge(rbm, split.validation)["ndcg@100"].mean()
    assert RankingMonitor(split.validation).ndcg(rbm) == pytest.approx(expected, abs=1e-6)


def test_without_validation_users_no_ranking_is_reported(split: Split) -> None:
    no_users = np.array([], dtype=np.int64)
    held_out = type(split.validation)(
        split.validation.given.select_users(no_users),
        split.validation.hidden.select_users(no_users),
    )
    reports = list(Trainer(split.training, SMALL, validation=held_out).epochs())
    assert [report.validation_ndcg for report in reports] == [None] * SMALL.n_epochs


def test_a_checkerboard_is_learnt() -> None:
    users, movies = np.nonzero((np.arange(60)[:, None] + np.arange(20)) % 2 == 0)
    board = Interactions.from_arrays(users, movies, np.ones(len(users), dtype=bool))
    rbm = train(board, Config(n_hidden=8, n_epochs=100, batch_size=10, l2=0.001))
    given = board.select_ratings(np.arange(board.n_ratings) % 10 < 5)  # half of each row
    like, _ = rbm.scores(given)
    own = np.zeros((60, 20), dtype=bool)
    own[board.user_rows, board.movie_rows] = True
    assert like[own].min() > 0.8
    assert like[~own].max() < 0.2


def test_the_classic_machine_learns_what_people_like_of_what_they_saw() -> None:
    data = planted(n_users=300, n_movies=60)
    rbm = train(data, Config(n_hidden=16, n_epochs=30, batch_size=20, classic=True))
    score, _ = rbm.scores(data)
    own = (np.arange(300) % 4)[:, np.newaxis] == (np.arange(60) % 4)
    assert score[own].mean() > score[~own].mean() + 0.3


def test_the_same_seed_gives_the_same_bytes_in_another_process() -> None:
    program = (
        "import hashlib\n"
        "from tests.model.planted import planted\n"
        "from tests.model.test_training import SMALL\n"
        "from model import train\n"
        "rbm = train(planted(60, 30), SMALL, seed=7)\n"
        "print(hashlib.sha256(rbm.W.tobytes() + rbm.a.tobytes() + rbm.b.tobytes()).hexdigest())"
    )
    elsewhere = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    ).stdout.strip()
    rbm = train(planted(60, 30), SMALL, seed=7)
    here = hashlib.sha256(rbm.W.tobytes() + rbm.a.tobytes() + rbm.b.tobytes()).hexdigest()
    assert elsewhere == here


def test_another_seed_gives_other_weights() -> None:
    data = planted(60, 30)
    assert not np.array_equal(train(data, SMALL, seed=1).W, train(data, SMALL, seed=2).W)


@pytest.mark.skipif(numba.get_num_threads() < 2, reason="there is a single core")
@pytest.mark.parametrize("classic", [False, True])
def test_the_number_of_threads_does_not_change_a_bit(*, classic: bool) -> None:
    data = planted(90, 600)
    machines = []
    for threads in (1, 2):
        config = SMALL.model_copy(update={"classic": classic, "n_hidden": 150})
        trainer = Trainer(data, config, threads=threads)
        list(trainer.epochs())
        machines.append(trainer.rbm())
    np.testing.assert_array_equal(machines[0].W, machines[1].W)
    np.testing.assert_array_equal(machines[0].a, machines[1].a)
    np.testing.assert_array_equal(machines[0].b, machines[1].b)


def test_an_impossible_number_of_threads_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="between 1 and"):
        Trainer(planted(60, 30), SMALL, threads=10_000)


def test_no_ratings_are_refused() -> None:
    nothing = Interactions.from_arrays([], np.array([], dtype=int), np.array([], dtype=bool))
    with pytest.raises(ValueError, match="no ratings"):
        Trainer(nothing)


@pytest.mark.parametrize("classic", [False, True])
def test_one_user_and_one_movie_are_enough_to_train(*, classic: bool) -> None:
    data = Interactions.from_arrays(["ada"], [1], [True])
    rbm = train(data, Config(n_hidden=1, n_epochs=3, classic=classic))
    assert rbm.W.shape == (1, 2, 1)
    assert np.isfinite(rbm.W).all()


def test_a_batch_larger_than_the_number_of_users_is_one_batch() -> None:
    data = planted(60, 30)
    larger = train(data, SMALL.model_copy(update={"batch_size": 1_000}))
    whole = train(data, SMALL.model_copy(update={"batch_size": 60}))
    np.testing.assert_array_equal(larger.W, whole.W)


def test_users_without_ratings_and_unrated_movies_are_harmless() -> None:
    data = planted(60, 30)
    with_nobody = data.select_ratings(data.user_rows != 5)
    without = data.select_users(np.arange(60) != 5)
    assert with_nobody.n_users == without.n_users + 1
    found, expected = Trainer(with_nobody, SMALL).rbm(), Trainer(without, SMALL).rbm()
    np.testing.assert_array_equal(found.a, expected.a)
    assert found.mean_ratings == expected.mean_ratings
    unrated = train(with_nobody.with_movies(np.arange(35)), SMALL)
    assert np.isfinite(unrated.W).all()


def test_the_weights_are_the_mean_of_the_last_epochs() -> None:
    data = planted(60, 30)
    trainer = Trainer(data, SMALL.model_copy(update={"averaged_share": 0.0}))
    after = [trainer.rbm() for _ in trainer.epochs()]
    averaged = train(data, SMALL.model_copy(update={"averaged_share": 0.5}))
    np.testing.assert_allclose(averaged.W, (after[2].W + after[3].W) / 2, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(averaged.a, (after[2].a + after[3].a) / 2, rtol=1e-5)


def test_before_the_first_update_the_machine_knows_how_popular_each_movie_is() -> None:
    data = planted(400, 30)
    rbm = Trainer(data, SMALL).rbm()
    like = rbm.visible_probability(np.zeros((1, 16), dtype=np.float32), np.zeros(1))[0, :, 0]
    np.testing.assert_allclose(like, data.movie_counts()[0] / 400, atol=0.006)


WILD = SMALL.model_copy(update={"learning_rate_weights": 10.0, "l2": 10.0, "n_epochs": 50})


def test_divergence_is_reported_with_its_epoch() -> None:
    with pytest.raises(DivergenceError, match=r"diverged in epoch \d+"):
        train(planted(60, 30), WILD)


@pytest.mark.parametrize("averaged_share", [0.0, 0.9])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -1e4])
def test_after_divergence_the_last_good_weights_are_kept(
    averaged_share: float, bad: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second batch of the third epoch makes one weight run away."""
    config = SMALL.model_copy(update={"n_epochs": 10, "averaged_share": averaged_share})
    trainer = Trainer(planted(60, 30), config)
    epochs = trainer.epochs()
    next(epochs), next(epochs)
    good = trainer.rbm()
    update = Engine.update

    def damaging(engine: Engine, users: Any, decay: float) -> int:
        missed = update(engine, users, decay)
        engine.rbm.W[3, 1, 2] = bad
        return missed

    monkeypatch.setattr(Engine, "update", damaging)
    with pytest.raises(DivergenceError, match="diverged in epoch 3: lower the learning rates"):
        next(epochs)
    kept = trainer.rbm()
    np.testing.assert_array_equal(kept.W, good.W)
    np.testing.assert_array_equal(kept.a, good.a)
    np.testing.assert_array_equal(kept.b, good.b)
    assert [report.epoch for report in trainer.curve] == [1, 2]


@pytest.mark.parametrize("classic", [False, True])
@pytest.mark.parametrize("liked", [False, True])
def test_people_who_only_like_or_only_dislike_can_be_trained_on(
    *, liked: bool, classic: bool
) -> None:
    data = planted(60, 30)
    alike = Interactions(
        data.indptr, data.movie_rows, np.full(data.n_ratings, liked), data.user_keys, data.movie_ids
    )
    rbm = train(alike, SMALL.model_copy(update={"classic": classic}))
    like, given_seen = rbm.scores(alike)
    assert np.isfinite(like).all()
    assert given_seen.mean() > 0.7 if liked else given_seen.mean() < 0.3
    assert classic or (like.mean() > 0.05) == liked


@pytest.mark.parametrize("classic", [False, True])
def test_people_who_all_rate_the_same_movie_can_be_trained_on(*, classic: bool) -> None:
    data = Interactions.from_arrays(np.arange(8), np.full(8, 5), np.arange(8) % 4 > 0)
    rbm = train(data, Config(n_hidden=2, n_epochs=5, classic=classic))
    like, _ = rbm.scores(data)
    assert np.ptp(like) < 0.01
    assert (like > 0.5).all()
    assert (like < 0.9).all()


NUMBERS = [
    "n_hidden", "n_epochs", "batch_size", "cd_steps", "learning_rate_weights",
    "learning_rate_visible", "learning_rate_hidden", "momentum", "l2", "l2_popularity_exponent",
    "averaged_share",
]  # fmt: skip


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, -3, "many", None])
def test_a_hyper_parameter_that_is_no_number_in_its_range_is_refused_by_name(
    name: str, value: Any
) -> None:
    with pytest.raises(ValidationError, match=name):
        Config(**{name: value})


def test_an_unknown_hyper_parameter_is_refused_by_name() -> None:
    with pytest.raises(ValidationError, match="learning_rat"):
        Config(learning_rat=0.1)  # type: ignore[call-arg]


@pytest.mark.parametrize("seed", [-1, 0.5])
def test_a_seed_that_is_no_natural_number_is_refused(seed: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        train(planted(60, 30), SMALL, seed=seed)


def test_before_the_first_epoch_ends_the_machine_is_the_one_begun_with() -> None:
    trainer = Trainer(planted(60, 30), SMALL)
    begun = trainer.rbm()
    trainer.stop()
    assert list(trainer.epochs()) == []
    assert not trainer.finished
    np.testing.assert_array_equal(trainer.rbm().W, begun.W)

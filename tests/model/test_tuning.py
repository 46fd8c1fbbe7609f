"""The search for hyper-parameters: what it proposes, and that it goes on where it stopped."""

from pathlib import Path

import pytest

from data.splitting import HeldOut, Split, strong_generalisation
from model import train
from model.config import Config
from model.evaluation import judge
from model.tuning import TrialReport, tune
from tests.model.planted import planted

BASE = Config(n_hidden=6, n_epochs=3, batch_size=20, l2=0.01)


@pytest.fixture(scope="module")
def split() -> Split:
    return strong_generalisation(planted(120, 40))


@pytest.fixture(scope="module")
def reports(split: Split) -> list[TrialReport]:
    reports: list[TrialReport] = []
    tune([split], n_trials=4, base=BASE, on_trial=reports.append)
    return reports


def test_the_first_trial_is_the_default_judged_on_validation_users(
    split: Split, reports: list[TrialReport]
) -> None:
    expected = judge(train(split.training, BASE), split.validation)["ndcg@100"].mean()
    assert reports[0].config == BASE
    assert reports[0].score == pytest.approx(expected)


def test_every_trial_is_reported_with_the_best_so_far(reports: list[TrialReport]) -> None:
    assert [(report.done, report.total) for report in reports] == [(n, 4) for n in range(1, 5)]
    scores = [report.score for report in reports]
    best = [max(s for s in scores[: n + 1] if s is not None) for n in range(4)]
    assert [report.best for report in reports] == best


def test_trials_lie_around_the_default_with_one_rate_for_all(reports: list[TrialReport]) -> None:
    configs = [report.config for report in reports]
    assert len(set(configs)) == 4
    for config in configs:
        assert 3 <= config.n_hidden <= 12
        assert 0.0025 <= config.l2 <= 0.04
        assert config.learning_rate_weights == config.learning_rate_visible
        assert config.learning_rate_weights == config.learning_rate_hidden
        assert (config.momentum, config.cd_steps) == (BASE.momentum, BASE.cd_steps)


def test_a_search_goes_on_where_it_stopped(split: Split, tmp_path: Path) -> None:
    storage = tmp_path / "var" / "tuning.db"
    first: list[TrialReport] = []
    second: list[TrialReport] = []
    tune([split], n_trials=2, base=BASE, storage=storage, on_trial=first.append)
    tuned = tune([split], n_trials=3, base=BASE, storage=storage, on_trial=second.append)
    assert [report.done for report in second] == [3]
    assert second[0].config not in [report.config for report in first]
    assert tuned.n_trials == 3
    assert tuned.score == max(report.score or 0 for report in first + second)
    assert tuned.default_score == first[0].score
    more: list[TrialReport] = []
    again = tune([split], n_trials=3, base=BASE, storage=storage, on_trial=more.append)
    assert (again, more) == (tuned, [])


def test_another_seed_is_another_search(split: Split, tmp_path: Path) -> None:
    storage = tmp_path / "tuning.db"
    tune([split], n_trials=1, base=BASE, storage=storage)
    reports: list[TrialReport] = []
    tune([split], n_trials=1, base=BASE, storage=storage, seed=1, on_trial=reports.append)
    assert [report.done for report in reports] == [1]


def test_the_score_is_the_mean_over_the_splits(split: Split, reports: list[TrialReport]) -> None:
    other = strong_generalisation(planted(120, 40), seed=1)
    alone = tune([other], n_trials=1, base=BASE).score
    both = tune([split, other], n_trials=1, base=BASE).score
    assert reports[0].score is not None
    assert both == pytest.approx((reports[0].score + alone) / 2)


def test_trainings_that_diverge_count_as_trials(split: Split) -> None:
    reports: list[TrialReport] = []
    wild = Config(
        n_hidden=4, n_epochs=40, batch_size=5, l2=10.0,
        learning_rate_weights=10.0, learning_rate_visible=10.0, learning_rate_hidden=10.0,
    )  # fmt: skip
    with pytest.raises(ValueError, match="every training diverged"):
        tune([split], n_trials=1, base=wild, on_trial=reports.append)
    assert [(report.score, report.best) for report in reports] == [(None, None)]


def test_nobody_to_tune_by_is_refused(split: Split) -> None:
    no_users = HeldOut(*(part.select_users([]) for part in (split.test.given, split.test.hidden)))
    with pytest.raises(ValueError, match="no validation users"):
        tune([Split(split.training, no_users, split.refit, split.test)], n_trials=1)

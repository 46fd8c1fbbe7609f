import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from data.splitting import HeldOut
from data.temporal import rolling_windows
from model import windows
from model.config import Config
from model.evaluation import LeakError
from model.windows import JUDGED_STARTS, NAMES, compare_by_date

CONFIG = Config(n_hidden=4, n_epochs=2, batch_size=50)


@pytest.fixture(scope="module")
def columns() -> tuple[np.ndarray, ...]:
    """100 users rate one movie a day of those that are new: what is liked changes with time."""
    rng = np.random.default_rng(0)
    days, users = np.nonzero(rng.random((300, 100)) < 0.15)
    movies = days // 3 + rng.integers(0, 20, len(days))
    _, first = np.unique(users * 1_000 + movies, return_index=True)
    users, movies, days = users[first], movies[first], days[first]
    return users, movies, rng.random(len(users)) < 0.7, 86_400 * days + 1_000_000_000


@pytest.fixture(scope="module")
def report(columns: tuple[np.ndarray, ...]) -> dict[str, Any]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(windows, "CHOICE_STARTS", (0.45,))
        patch.setattr(windows, "JUDGED_STARTS", (0.5, 0.7))
        calls: list[tuple[str, int, int | None]] = []
        report = compare_by_date(
            *columns, config=CONFIG, dataset={"name": "planted"},
            progress=lambda *call: calls.append(call),
        )  # fmt: skip
    done, totals = [call[1] for call in calls], {call[2] for call in calls}
    assert done == sorted(done)
    assert totals == {done[-1]}
    return report


def test_every_model_has_its_row_in_both_blocks_and_the_report_is_plain_json(
    report: dict[str, Any],
) -> None:
    assert json.loads(json.dumps(report, allow_nan=False)) == report
    for block in ("returning", "new"):
        rows = report["windows"][block]["results"]
        assert [row["model"] for row in rows] == list(NAMES)
        assert all(len(row["per_window"]) == 2 for row in rows)
    assert report["results"] == report["windows"]["returning"]["results"]
    assert report["protocol"]["name"] == "windows"


def test_recency_finds_what_is_liked_lately(report: dict[str, Any]) -> None:
    rows = {row["model"]: row for row in report["results"]}
    ndcg = {name: row["metrics"]["ndcg@100"]["mean"] for name, row in rows.items()}
    assert ndcg["popularity-latest"] > ndcg["popularity"]
    assert ndcg["rbm-recency"] > ndcg["rbm"]
    assert ndcg["ease-recency"] > ndcg["ease"]


def test_periods_count_the_users_that_are_judged(report: dict[str, Any]) -> None:
    periods = report["windows"]["periods"]
    for block in ("returning", "new"):
        n_users = sum(period[f"n_{block}"] for period in periods)
        assert report["windows"][block]["n_users"] == n_users
    assert [period["from"] for period in periods] == sorted(period["from"] for period in periods)


def test_the_settings_are_chosen_before_the_first_judged_window(
    columns: tuple[np.ndarray, ...],
) -> None:
    earlier = rolling_windows(*columns, starts=windows.CHOICE_STARTS)
    judged = rolling_windows(*columns, starts=JUDGED_STARTS)
    assert max(window.end for window in earlier) <= min(window.begin for window in judged)


def test_a_planted_leak_is_caught(
    columns: tuple[np.ndarray, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    def leaking(*args: Any, **kwargs: Any) -> list[Any]:
        return [
            replace(w, returning=HeldOut(w.returning.given, w.returning.given))
            for w in rolling_windows(*args, **kwargs)
        ]

    monkeypatch.setattr(windows, "rolling_windows", leaking)
    with pytest.raises(LeakError, match="is given and hidden"):
        compare_by_date(*columns, config=CONFIG)


def test_ratings_without_times_are_refused() -> None:
    with pytest.raises(ValueError, match="need the times of the ratings"):
        compare_by_date([1, 2, 3], [1, 2, 3], [1, 1, 0], [0, 0, 0])

"""How the arms of an experiment do, from the feedback on their lists."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert

from app.config import Settings
from app.db.engine import Database
from app.db.tables import experiments, feedback, users
from app.experiments import report as reports
from app.experiments import service
from app.experiments.report import MAX_LOOKS
from app.experiments.repository import Count
from app.experiments.schemas import ExperimentDetail, ExperimentReport
from app.experiments.service import ExperimentService
from app.live.rules import ExperimentDefinition
from tests.app.world import add_movies

BEGUN = datetime(2026, 11, 1, 12, tzinfo=UTC)
DAYS = 7
SHADOW = {"name": "s", "share": 0, "shadow": True}


def detail(*shares: float, alpha: float = 0.05, ended: timedelta | None = None) -> ExperimentDetail:
    """An experiment of arms 0, 1, … and a shadow."""
    arms = [{"name": str(i), "share": share} for i, share in enumerate(shares)]
    definition = {"arms": [*arms, SHADOW], "days": DAYS, "alpha": alpha}
    return ExperimentDetail(
        name="x",
        state="running",
        definition=ExperimentDefinition.model_validate(definition),
        begun_at=BEGUN,
        ended_at=BEGUN + ended if ended else None,
        winner=None,
    )


def counts(*arms: tuple[int, int], day: int = 0) -> list[Count]:
    return [Count(str(i), day, is_over=True, users=n, successes=k) for i, (n, k) in enumerate(arms)]


def verdicts(report: ExperimentReport) -> list[str | None]:
    return [arm.verdict for arm in report.arms]


AT = BEGUN + timedelta(days=DAYS + 1)


def test_an_arm_is_better_or_worse_once_its_interval_leaves_0_out() -> None:
    third = 1 / 3
    alike = reports.report(detail(third, third, third), counts(*[(3000, 300)] * 3), AT)
    assert verdicts(alike) == [None, "undecided", "undecided"]
    arms = counts((3000, 300), (3000, 420), (3000, 180))
    differ = reports.report(detail(third, third, third), arms, AT)
    assert verdicts(differ) == [None, "better", "worse"]
    control, better, _ = differ.arms
    assert (control.rate, better.rate) == (0.1, 0.14)
    assert better.difference == pytest.approx(0.04)
    assert control.difference is None
    assert control.interval is None
    assert better.interval is not None
    assert 0 < better.interval.low < 0.04 < better.interval.high
    few = reports.report(detail(0.5, 0.5), counts((99, 5), (99, 60)), AT)
    assert verdicts(few) == [None, "undecided"]


def test_what_was_decided_once_holds_whatever_comes_later() -> None:
    days = [((1000, 100), (1000, 101)), ((1000, 100), (1000, 190)), ((1000, 190), (1000, 100))]
    by_day = [each for day, arms in enumerate(days) for each in counts(*arms, day=day)]
    early = reports.report(detail(0.5, 0.5), by_day[:2], AT).arms[1]
    assert (early.verdict, early.decided_at) == ("undecided", None)
    report = reports.report(detail(0.5, 0.5), by_day, BEGUN + timedelta(days=DAYS + 30))
    arm = report.arms[1]
    assert arm.interval is not None
    assert arm.interval.low < 0 < arm.interval.high
    assert (arm.verdict, arm.decided_at) == ("better", BEGUN + timedelta(days=DAYS + 2))


def test_several_arms_share_the_probability_of_a_false_alarm() -> None:
    def interval(*shares: float, alpha: float) -> Any:
        arms = counts(*[(3000, 300)] * len(shares))
        return reports.report(detail(*shares, alpha=alpha), arms, AT).arms[1].interval

    assert interval(0.25, 0.25, 0.25, alpha=0.1) == interval(0.25, 0.25, alpha=0.05)


def test_a_division_that_chance_does_not_explain_is_reported() -> None:
    fair = reports.report(detail(0.3, 0.1), counts((3030, 0), (970, 0)), AT)
    assert not fair.mismatch
    assert reports.report(detail(0.3, 0.1), counts((3200, 0), (800, 0)), AT).mismatch
    nobody = reports.report(detail(0.3, 0.1), [], AT)
    assert not nobody.mismatch
    assert [arm.rate for arm in nobody.arms] == [None, None]


def test_a_long_experiment_is_shown_at_so_many_moments() -> None:
    by_day = [count for day in range(1000) for count in counts((9, 2), (9, 1), day=day)]
    report = reports.report(detail(0.5, 0.5), by_day, BEGUN + timedelta(days=1000 + DAYS))
    assert len(report.looks) == MAX_LOOKS
    assert report.looks[-1].at == BEGUN + timedelta(days=1000 + DAYS)
    assert [arm.users for arm in report.looks[-1].arms] == [9000, 9000]


def test_nothing_is_added_after_the_end_but_what_was_begun() -> None:
    ended = detail(0.5, 0.5, ended=timedelta(days=3))
    by_day = [count for day in range(3) for count in counts((9, 2), (9, 1), day=day)]
    report = reports.report(ended, by_day, BEGUN + timedelta(days=100))
    assert [look.at - BEGUN for look in report.looks] == [
        timedelta(days=DAYS + day) for day in (1, 2, 3)
    ]
    assert [[arm.users for arm in look.arms] for look in report.looks] == [
        [9, 9], [18, 18], [27, 27],
    ]  # fmt: skip


# Of user and arm: (kind, days since the begin), …; and whether the user counts and is a success.
STORIES: dict[str, tuple[str, list[tuple[str, float]], bool, bool]] = {
    "only shown": ("0", [("shown", 0.1)], True, False),
    "clicked at once": ("0", [("shown", 0.2), ("clicked", 0.2)], True, True),
    "clicked on the last moment": ("1", [("shown", 1), ("clicked", 7.99)], True, True),
    "clicked too late": ("1", [("shown", 1), ("clicked", 8)], True, False),
    "the first showing counts": ("1", [("shown", 5), ("shown", 2), ("clicked", 9.5)], True, False),
    "clicked twice": ("1", [("shown", 2), ("clicked", 3), ("clicked", 4)], True, True),
    "watched": ("1", [("shown", 2), ("watched", 3)], True, False),
    "clicked before": ("1", [("clicked", 2), ("shown", 3)], True, False),
    "not over yet": ("1", [("shown", 4), ("clicked", 4.5)], False, False),
    "before the begin": ("1", [("shown", -0.1), ("clicked", 1)], False, False),
    "never shown": ("1", [("clicked", 1)], False, False),
}


@pytest.fixture
def told(database: Database) -> ExperimentService:
    """An experiment with one user of each story, and feedback that is none of it."""
    add_movies(database, [10])
    values = detail(0.5, 0.5).definition.model_dump(mode="json")
    row = {"name": "x", "state": "running", "salt": "", "definition": values, "begun_at": BEGUN}
    rows: list[dict[str, Any]] = []
    with database.unit_of_work() as connection:
        connection.execute(insert(experiments).values(row))
        for key, (arm, moments, _, _) in STORIES.items():
            new = insert(users).values(key=key, ratings_revision=0).returning(users.c.id)
            user_id = connection.execute(new).scalar_one()
            rows += [told_at(*moment, arm=arm, user_id=user_id) for moment in moments]
            rows.append(told_at("shown", 1, arm=arm, user_id=user_id, experiment="another"))
            rows.append(told_at("clicked", 1, arm="0", user_id=user_id, experiment=None))
        rows.append(told_at("shown", 1, arm="0", user_id=None))
        for i, each in enumerate(rows):
            connection.execute(insert(feedback).values(feedback_id=str(i), **each))
    return ExperimentService(database, Settings(database_url=str(database.url)))


def told_at(kind: str, day: float, **values: Any) -> dict[str, Any]:
    at = BEGUN + timedelta(days=day)
    row = {"movie_id": 10, "kind": kind, "occurred_at": at, "experiment": "x", "recorded_ms": 0}
    return {**row, **values}


def test_users_count_from_their_first_list_on_and_once_their_time_is_over(
    told: ExperimentService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "now", lambda _: BEGUN + timedelta(days=10.5))
    report = told.report("x")
    for arm in report.arms:
        stories = [story for story in STORIES.values() if story[0] == arm.name]
        assert arm.users == sum(counts for _, _, counts, _ in stories)
        assert arm.successes == sum(success for *_, success in stories)
    assert [arm.waiting for arm in report.arms] == [0, 1]


def test_each_look_is_the_report_of_its_day(
    told: ExperimentService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "now", lambda _: BEGUN + timedelta(days=12.2))
    looks = told.report("x").looks
    assert [(look.at - BEGUN).days for look in looks] == [8, 9, 10, 11, 12]
    for look in looks:
        monkeypatch.setattr(service, "now", lambda _, at=look.at: at)
        arms = told.report("x").arms
        kept = [
            arm.model_dump(exclude={"share", "waiting", "verdict", "decided_at"}) for arm in arms
        ]
        assert [arm.model_dump() for arm in look.arms] == kept

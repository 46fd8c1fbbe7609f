"""How often an experiment is wrong, and how soon it is right, when somebody looks every day.

    python -m benchmarks.experiments [--runs 100] [--users 10000] [--days 30]
        [--differences 0.02 0.03] [--plot docs/images/experiments.svg]

Each run is an experiment in a database: its users come over `--days` days, each is given an arm by
the salted hash that serving uses, is shown lists and maybe clicks. Then the report is asked what it
said on each day. In A/A and A/A/A runs all arms are alike: 10 % of the users click within 7 days.
In A/B runs the second arm has one of `--differences` more. Beside it: a z-test (95 %) that is
repeated every day, as is often done. Prints in how many runs a difference was said to be there, and
on which day for the first time.
"""

from __future__ import annotations

import argparse
import tempfile
from datetime import UTC, datetime, timedelta
from math import sqrt
from pathlib import Path
from statistics import NormalDist, median
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from sqlalchemy import delete, insert

from app.config import Settings
from app.db.engine import Database
from app.db.schema import upgrade
from app.db.tables import experiments, feedback, movies, users
from app.experiments.service import ExperimentService
from app.live.rules import RUNNING, Arm, Experiment, ExperimentDefinition

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from app.experiments.schemas import ArmLook, ExperimentReport

RATE, WINDOW = 0.10, 7
DAY_S = 86_400
ARMS = ("control", "second", "third")
Z_95 = NormalDist().inv_cdf(0.975)


class Run(NamedTuple):
    """When an arm was first said to differ, by both tests; None where never."""

    sequential: int | None
    repeated: int | None
    n_looks: int
    report: ExperimentReport


class World:
    """A database with users, in which experiments take place one after the other."""

    def __init__(self, folder: Path, n_users: int, n_days: int) -> None:
        url = f"sqlite:///{folder / 'recommender.db'}"
        self.database = Database(url)
        upgrade(self.database)
        self.service = ExperimentService(self.database, Settings(database_url=url))
        self.keys, self.n_days = [f"user-{i}" for i in range(n_users)], n_days
        self.begin = datetime.now(UTC).replace(microsecond=0) - timedelta(days=n_days + WINDOW)
        with self.database.unit_of_work() as connection:
            movie = {"id": 1, "title": "The only one", "year": 2000, "genres": []}
            connection.execute(insert(movies).values(movie))
            rows = [{"key": key, "id": i, "ratings_revision": 0} for i, key in enumerate(self.keys)]
            connection.execute(insert(users), rows)

    def run(self, name: str, rates: Sequence[float], rng: np.random.Generator) -> Run:
        """Simulate an experiment whose arms have these rates of success."""
        names = ARMS[: len(rates)]
        arms = [Arm(name=arm, share=1 / len(rates)) for arm in names]
        experiment = Experiment(name, rng.bytes(16).hex(), ExperimentDefinition(arms=arms))
        rows = list(self._feedback(experiment, dict(zip(names, rates, strict=True)), rng))
        with self.database.unit_of_work() as connection:
            definition = experiment.definition.model_dump(mode="json")
            values = {"name": name, "salt": experiment.salt, "definition": definition}
            connection.execute(
                insert(experiments).values(**values, state=RUNNING, begun_at=self.begin)
            )
            connection.execute(insert(feedback), rows)
        report = self.service.report(name)
        with self.database.unit_of_work() as connection:
            connection.execute(delete(feedback))
        looks = [look.arms for look in report.looks]
        return Run(_first(looks, _excludes_0), _first(looks, _z_test), len(looks), report)

    def _feedback(
        self, experiment: Experiment, rates: dict[str, float], rng: np.random.Generator
    ) -> Iterator[dict[str, Any]]:
        """Yield two showings of each user, and the clicks; some clicks come too late to count."""
        n = len(self.keys)
        shown = rng.integers(0, self.n_days * DAY_S, n)
        later, chance = rng.integers(1, WINDOW * DAY_S, n), rng.random(n)
        for i, key in enumerate(self.keys):
            arm = experiment.arm_of(key)
            if arm is None:
                continue
            moments = [("shown", shown[i]), ("shown", shown[i] + later[i])]
            if chance[i] < rates[arm.name]:
                moments.append(("clicked", shown[i] + later[i]))
            elif chance[i] > 0.98:
                moments.append(("clicked", shown[i] + WINDOW * DAY_S))
            for j, (kind, at) in enumerate(moments):
                yield {
                    "feedback_id": f"{i}-{j}", "user_id": i, "movie_id": 1, "kind": kind,
                    "experiment": experiment.name, "arm": arm.name, "recorded_ms": 0,
                    "occurred_at": self.begin + timedelta(seconds=int(at)),
                }  # fmt: skip


def _first(looks: Sequence[Sequence[ArmLook]], differs: Any) -> int | None:
    """Return the first day on which a test says of any arm that it differs from the control."""
    for day, (control, *others) in enumerate(looks, start=1):
        if any(differs(control, arm) for arm in others):
            return day
    return None


def _excludes_0(_control: ArmLook, arm: ArmLook) -> bool:
    return arm.interval is not None and (arm.interval.low > 0 or arm.interval.high < 0)


def _z_test(control: ArmLook, arm: ArmLook) -> bool:
    """Compare two rates as if this were the only look."""
    n = control.users + arm.users
    pooled = (control.successes + arm.successes) / n if n else 0.0
    if not control.users or not arm.users or not 0 < pooled < 1:
        return False
    error = sqrt(pooled * (1 - pooled) * (1 / control.users + 1 / arm.users))
    return abs(arm.successes / arm.users - control.successes / control.users) > Z_95 * error


def _say(what: str, runs: Sequence[Run]) -> None:
    for test in ("sequential", "repeated"):
        days = [day for run in runs if (day := getattr(run, test)) is not None]
        when = f", in the middle on day {median(days):g}" if days else ""
        name = "intervals of the report" if test == "sequential" else "z-test every day"
        print(f"{what:<8} {name:<24} {len(days):>3} of {len(runs)} runs{when}")


def _plot(path: Path, runs: Sequence[Run], found: Run, planted: float) -> None:
    """Draw the alarms of A/A runs by day, and the intervals of an A/B run by day."""
    n_days = runs[0].n_looks
    lines = []
    for test, colour in (("sequential", "#2563eb"), ("repeated", "#b45309")):
        days = [getattr(run, test) for run in runs]
        shares = [sum(d is not None and d <= day for d in days) for day in range(1, n_days + 1)]
        lines.append((colour, [share / len(runs) for share in shares]))
    top = max(0.1, *(max(values) for _, values in lines))
    left = "".join(
        f'<polyline fill="none" stroke="{colour}" stroke-width="2" points="'
        + " ".join(f"{_x(i, n_days):.1f},{230 - 180 * y / top:.1f}" for i, y in enumerate(values))
        + f'"/><text x="{_x(n_days, n_days):.0f}" y="{224 - 180 * values[-1] / top:.0f}" '
        f'text-anchor="end" fill="{colour}">{values[-1]:.0%}</text>'
        for colour, values in lines
    )
    looks = [look.arms[1] for look in found.report.looks]
    bars = [(i, a.interval, a.difference) for i, a in enumerate(looks) if a.interval]
    last = bars[-1][1]
    reach = 3 * max(abs(last.low), abs(last.high))  # the first ones are cut off
    right = "".join(
        f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{_y(b.low / reach)}" '
        f'y2="{_y(b.high / reach)}" stroke="#2563eb" stroke-width="3"/>'
        f'<circle cx="{x:.1f}" cy="{_y((difference or 0) / reach)}" r="2.5"/>'
        for i, b, difference in bars
        for x in (420 + _x(i, n_days),)
    )
    five = 230 - 180 * 0.05 / top
    path.write_text(
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 860 260" role="img" '
        'font-family="sans-serif" font-size="13" aria-label="False alarms by day, and the '
        'intervals of an experiment by day"><rect width="860" height="260" fill="white"/>'
        f'<text x="40" y="20">A/A: share of {len(runs)} runs with a false alarm so far</text>'
        f'<line x1="40" x2="400" y1="{five:.1f}" y2="{five:.1f}" stroke="#888" '
        f'stroke-dasharray="4"/><text x="330" y="{five - 4:.1f}" fill="#555">5 %</text>{left}'
        '<text x="40" y="250" fill="#2563eb">the report</text>'
        '<text x="130" y="250" fill="#b45309">a z-test every day</text>'
        f'<text x="460" y="20">A/B (+{100 * planted:g} points): '
        "interval of the difference by day</text>"
        f'<line x1="460" x2="820" y1="140" y2="140" stroke="#888"/>{right}'
        f'<text x="460" y="250" fill="#555">day 1 to {n_days}</text>'
        f'<text x="455" y="60" text-anchor="end" fill="#555">{reach:+.0%}</text>'
        f'<text x="455" y="230" text-anchor="end" fill="#555">{-reach:+.0%}</text></svg>\n'
    )


def _y(value: float) -> str:
    return f"{140 - 90 * min(max(value, -1), 1):.1f}"


def _x(day: int, n_days: int) -> float:
    return 40 + 360 * day / n_days


def main() -> None:
    """Simulate and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--users", type=int, default=10_000)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--differences", type=float, nargs="+", default=[0.02, 0.03])
    parser.add_argument("--plot", type=Path)
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    kinds = {"A/A": (RATE, RATE), "A/A/A": (RATE, RATE, RATE)}
    planted = {f"A/B +{100 * more:g}": (RATE, RATE + more) for more in options.differences}
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder), options.users, options.days)
        done: dict[str, list[Run]] = {}
        for place, (kind, rates) in enumerate((kinds | planted).items()):
            names = [f"kind-{place}-{i}" for i in range(options.runs)]
            done[kind] = [world.run(name, rates, rng) for name in names]
            _say(kind, done[kind])
    if options.plot:
        runs = done[next(iter(planted))]
        found = min(runs, key=lambda run: abs((run.sequential or 99) - 15))
        _plot(options.plot, done["A/A"], found, options.differences[0])


if __name__ == "__main__":
    main()

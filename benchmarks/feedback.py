"""What feedback costs, and whether its intervals hold.

    python -m benchmarks.feedback [--rows 1000000] [--samples 1000]

Records feedback in batches of 5,000 as `POST /feedback` does, on SQLite, beside writing the same
rows with `executemany` into the same table of another database; then makes the report over all of
it, and asks what a user was shown. Then draws samples of users whose wish to click differs, and
counts how often the true rate is within the 95 % interval, beside one that takes showings as
independent.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from datetime import UTC, datetime, timedelta
from math import sqrt
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from sqlalchemy import insert, select

from app.db.engine import Database
from app.db.schema import upgrade
from app.db.tables import feedback, movies, users
from app.feedback.identity import Origin, encode
from app.feedback.rates import Z95, Sums, rate
from app.feedback.repository import shown_since
from app.feedback.schemas import FeedbackRequest
from app.feedback.service import FeedbackService
from app.live.rules import read_rules

N_USERS, N_MOVIES, BATCH = 20_000, 5_000, 5_000
NOW = datetime.now(UTC).replace(microsecond=0)
ORIGINS = [
    Origin("20261120T101500Z", scenario, "colours", arm)
    for scenario in ("home", "mail", "search")
    for arm in ("red", "blue")
]
# Users, their mean rate, the concentration of the beta distribution of their own rates, showings.
WORLDS = [
    (users, mean, 4.0, shown)
    for users in (30, 300, 3000)
    for mean in (0.02, 0.1)
    for shown in (5, 50)
]


def database(folder: Path, name: str) -> Database:
    """Make a database with movies."""
    made = Database(f"sqlite:///{folder / name}")
    upgrade(made)
    with made.unit_of_work() as connection:
        rows = [{"id": id_, "title": f"{id_}", "genres": []} for id_ in range(1, N_MOVIES + 1)]
        connection.execute(insert(movies), rows)
    return made


def requests(n_rows: int, secret: bytes) -> list[FeedbackRequest]:
    """Draw feedback of the last 28 days: nine of ten movies were only shown."""
    rng = np.random.default_rng(0)
    who, what = rng.integers(0, N_USERS, n_rows), rng.integers(1, N_MOVIES + 1, n_rows)
    ago, which = rng.integers(0, 28 * 86_400, n_rows), rng.integers(0, len(ORIGINS), n_rows)
    kinds = rng.choice(["shown", "clicked", "watched"], n_rows, p=[0.9, 0.07, 0.03])
    columns = zip(
        who.tolist(), what.tolist(), ago.tolist(), which.tolist(), kinds.tolist(), strict=True
    )
    return [
        FeedbackRequest.model_construct(
            feedback_id=None,
            recommendation_id=encode(secret, f"u{user}", ORIGINS[origin]),
            user=f"u{user}",
            movie_id=movie,
            kind=kind,
            place="top",
            occurred_at=NOW - timedelta(seconds=seconds),
        )
        for user, movie, seconds, origin, kind in columns
    ]


def measure(n_rows: int) -> None:
    """Print what recording and reading cost."""
    with tempfile.TemporaryDirectory() as name:
        made, bare = (database(Path(name), each) for each in ("one.db", "two.db"))
        with made.read() as connection:
            rules = read_rules(connection)
        current: Any = SimpleNamespace(snapshot=SimpleNamespace(rules=rules))
        service = FeedbackService(made, current)
        sent = requests(n_rows, rules.secret)
        begin = time.perf_counter()
        for start in range(0, n_rows, BATCH):
            with made.unit_of_work() as connection:
                service.record(connection, sent[start : start + BATCH])
        recording = time.perf_counter() - begin
        writing = copy(made, bare)
        print(f"recording {n_rows / recording:,.0f}/s, bare rows {n_rows / writing:,.0f}/s")
        timed("report by all parts", service.report)
        timed("report by scenario", lambda: service.report(by=["scenario"]))
        timed("shown to a user", lambda: shown(made))
        with made.unit_of_work() as connection:
            service.record(connection, sent[:BATCH])
        timed("5,000 that are known", lambda: again(service, sent[:BATCH]))
        made.dispose()
        bare.dispose()


def copy(source: Database, target: Database) -> float:
    """Write the rows of one database into another; return the seconds of that."""
    with source.read() as connection:
        rows = {
            t: [dict(r) for r in connection.execute(select(t)).mappings()]
            for t in (users, feedback)
        }
    begin = time.perf_counter()
    with target.unit_of_work() as connection:
        for table, its in rows.items():
            connection.execute(insert(table), its)
    return time.perf_counter() - begin


def again(service: FeedbackService, sent: list[FeedbackRequest]) -> None:
    """Send what is known already."""
    with service.database.unit_of_work() as connection:
        service.record(connection, sent)


def shown(made: Database) -> None:
    """Ask what a user was shown of late, as a list of a scenario does."""
    with made.read() as connection:
        shown_since(connection, "u7", "home", NOW - timedelta(days=14), NOW)


def timed(what: str, run: Any) -> None:
    """Print the best time of three."""
    seconds = []
    for _ in range(3):
        begin = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - begin)
    print(f"{what}: {min(seconds) * 1000:,.1f} ms")


def cover(n_samples: int) -> None:
    """Print how often the true rate is within the interval."""
    rng = np.random.default_rng(0)
    print("users  rate  showings   by users   independent")
    for n_users, mean, concentration, n_shown in WORLDS:
        hits = np.zeros(2)
        for _ in range(n_samples):
            n = rng.geometric(1 / n_shown, n_users).astype(float)
            own = rng.beta(mean * concentration, (1 - mean) * concentration, n_users)
            x = rng.binomial(n.astype(int), own).astype(float)
            _, low, high = rate(Sums(n_users, n.sum(), x.sum(), n @ n, x @ x, x @ n))
            hits += (low <= mean <= high, within_wilson(mean, x.sum() / n.sum(), n.sum()))
        by_users, independent = hits / n_samples
        print(f"{n_users:5}  {mean:4}  {n_shown:8}   {by_users:8.3f}   {independent:11.3f}")


def within_wilson(mean: float, share: float, n: float) -> bool:
    """Tell whether Wilson's interval for independent showings has the true rate."""
    return bool(abs(share - mean) <= Z95 * sqrt(mean * (1 - mean) / n))


def main() -> None:
    """Measure, then draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--samples", type=int, default=1000)
    options = parser.parse_args()
    if options.rows:
        measure(options.rows)
    cover(options.samples)


if __name__ == "__main__":
    main()

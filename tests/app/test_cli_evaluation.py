"""What `recommender evaluate` writes: tables for a narrow terminal, lines where there is none."""

from typing import Any

import pytest
from rich.console import Console

from app.cli import evaluation_tables, output, progress

NAMES = ("popularity", "bias", "item-knn", "ease", "ials", "classic-rbm", "rbm")
METRICS = (
    "ndcg@10", "ndcg@100", "recall@20", "recall@50", "dislikes@20", "auc", "log_loss", "ece"
)  # fmt: skip


def row(name: str, n: float = 0) -> dict[str, Any]:
    return {
        "model": name,
        "metrics": {metric: {"mean": 0.1234 + n / 100, "se": 0.0123} for metric in METRICS},
    }


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Console:
    """A terminal of 80 columns that remembers what is written to it."""
    console = Console(width=80, record=True)
    monkeypatch.setattr(output, "out", console)
    return console


def lines(console: Console) -> list[str]:
    return console.export_text().splitlines()


def test_every_table_of_a_comparison_fits_80_columns_with_no_figure_cut(
    terminal: Console,
) -> None:
    by_number = [
        {"n": n, "n_users": 597, "results": [row(name, i) for i, name in enumerate(NAMES)],
         "best_peer": "ials", "ratio": 1.05}
        for n in (0, 40, "all")
    ]  # fmt: skip
    result = {"results": [row(name) for name in NAMES], "by_n_ratings": by_number}
    evaluation_tables.show(result, "ml-latest-small, mean ± standard error over test users")
    written = lines(terminal)
    assert max(map(len, written)) <= 80
    assert not any("…" in line for line in written), "nothing is cut"
    [of_40] = [line.split() for line in written if line.split()[:2] == ["40", "597"]]
    assert of_40[2:] == ["0.123", "0.133", "0.143", "0.153", "0.163", "0.173", "0.183", "1.050"]
    assert any("mean over the rows: 1.050" in line for line in written)


def test_models_without_peers_have_a_table_by_number_too(terminal: Console) -> None:
    by_number = [{"n": 3, "n_users": 12, "results": [row("popularity")]}]
    evaluation_tables.show({"results": [row("popularity")], "by_n_ratings": by_number}, "title")
    assert any(line.split() == ["3", "12", "0.123"] for line in lines(terminal))


def test_the_table_of_rolling_windows_fits_80_columns(terminal: Console) -> None:
    difference = {"mean": 0.01, "se": 0.02, "low": -0.02, "high": 0.04}
    names = ("popularity-latest", "ease-recency", "rbm-recency")
    results = [{**row(name), "rbm_minus_this": {"ndcg@100": difference}} for name in names]
    del results[-1]["rbm_minus_this"]
    block = {"n_users": 182, "results": results}
    evaluation_tables.show({"windows": {"returning": block, "new": block}}, "title")
    written = lines(terminal)
    assert max(map(len, written)) <= 80
    assert any("popularity-latest" in line and "+0.010 (-0.020…+0.040)" in line
               for line in written)  # fmt: skip


def test_without_a_terminal_a_line_now_and_then_says_how_far_it_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(output, "out", Console(force_terminal=False))
    monkeypatch.setattr(output, "err", Console(stderr=True, width=80))
    now = 100.0
    monkeypatch.setattr("app.cli.progress.time.monotonic", lambda: now)
    with progress.stages() as report:
        for seconds, done in ((0, 0), (10, 5), (29, 9), (40, 10), (60, 15), (75, 50), (400, 90)):
            now = 100.0 + seconds
            report("models fitted", done, 100)
        report("rows", 7, None)
        now += 31
        report("rows", 1234, None)
    assert capsys.readouterr().err.splitlines() == [
        "models fitted: 10% after 40 s, about 6 min 00 s left",
        "models fitted: 50% after 1 min 15 s, about 1 min 15 s left",
        "models fitted: 90% after 6 min 40 s, about 44 s left",
        "rows: 1,234 after 31 s",
    ]

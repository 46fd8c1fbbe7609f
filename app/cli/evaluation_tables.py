"""The tables of `recommender evaluate`, each at most 80 columns wide."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich import box
from rich.markup import escape
from rich.table import Table

from app.cli import output

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MAX_HEAD = 7  # characters


def show(result: Mapping[str, Any], title: str) -> None:
    """Show every table that the result holds."""
    if "windows" in result:
        output.out.print(_windows(result["windows"], title))
        return
    output.show_comparison(result["results"], title)
    by_number = result.get("by_n_ratings", [])
    if by_number:
        output.out.print(_by_number(by_number))
        output.out.print(_probabilities(by_number))


def _by_number(rows: Sequence[Mapping[str, Any]]) -> Table:
    """NDCG@100 of every model by the number of given ratings."""
    names = [each["model"] for each in rows[0]["results"]]
    beside_peers = "ratio" in rows[0]
    table = _table("NDCG@100 by number of given ratings", "given", "users", *map(_head, names))
    if beside_peers:
        table.add_column("ratio", justify="right")
    for row in rows:
        ratio = [_number(row["ratio"])] if beside_peers else []
        figures = [_mean(each, "ndcg@100") for each in row["results"]]
        table.add_row(str(row["n"]), str(row["n_users"]), *figures, *ratio)
    if beside_peers:
        ratios = [row["ratio"] for row in rows if row["ratio"] is not None]
        mean = _number(sum(ratios) / len(ratios)) if ratios else "—"
        table.caption = f"ratio: rbm / best peer of the row; mean over the rows: {mean}"
        table.caption_justify = "left"
    return table


def _probabilities(rows: Sequence[Mapping[str, Any]]) -> Table:
    """Recall@20, and log-loss and ECE of P(like | seen), of the RBM beside the plain means."""
    known = {each["model"] for each in rows[0]["results"]}
    means = "bias" if "bias" in known else "popularity"
    beside = {"recall@20": "popularity", "log_loss": means, "ece": means}
    shown = [
        (name, metric)
        for metric, other in beside.items()
        for name in ("rbm", other)
        if name in known
    ]
    table = _table(
        "Recall@20, and P(like | seen): log-loss and ECE",
        "given",
        *(f"{metric}\n{name}".replace("_", "-") for name, metric in shown),
    )
    for row in rows:
        by_name = {each["model"]: each for each in row["results"]}
        table.add_row(str(row["n"]), *(_mean(by_name[name], metric) for name, metric in shown))
    return table


def _windows(windows: Mapping[str, Any], title: str) -> Table:
    """Every model on returning and on new users, and how far the RBM with recency is ahead."""
    returning, new = windows["returning"], windows["new"]
    table = _table(
        f"{escape(title)}\n{returning['n_users']} returning and {new['n_users']} new users",
        "", "returning\nNDCG@100", "\nRecall@20", "new\nNDCG@100", "rbm-recency − this\n(95 %)",
    )  # fmt: skip
    table.columns[0].justify = "left"
    for row, of_new in zip(returning["results"], new["results"], strict=True):
        difference = row.get("rbm_minus_this", {}).get("ndcg@100")
        table.add_row(
            row["model"], _mean(row, "ndcg@100", with_error=True), _mean(row, "recall@20"),
            _mean(of_new, "ndcg@100"), _interval(difference),
        )  # fmt: skip
    return table


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for column in columns:
        table.add_column(column, justify="right")
    return table


def _mean(row: Mapping[str, Any], metric: str, *, with_error: bool = False) -> str:
    figure = row["metrics"].get(metric, {"mean": None, "se": None})
    if with_error and figure["se"] is not None:
        return f"{_number(figure['mean'])} ± {_number(figure['se'])}"
    return _number(figure["mean"])


def _head(name: str) -> str:
    """Break a long name after its hyphen."""
    return name.replace("-", "-\n") if len(name) > MAX_HEAD else name


def _interval(difference: Mapping[str, float | None] | None) -> str:
    if difference is None or difference["low"] is None:
        return "—"
    return "{mean:+.3f} ({low:+.3f}…{high:+.3f})".format_map(difference)


def _number(value: float | None) -> str:
    return "—" if value is None else f"{value:.3f}"

"""Writes to the terminal: lines, tables and warnings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from app.datasets.movies import Change
    from app.datasets.service import ImportSummary
    from app.recommendations.schemas import Draw, Recommendations
    from app.training.pipeline import TrainingResult

# Of the details of movies that an import changes, so many are shown.
N_CHANGES = 10
RANKING_METRICS = ("ndcg@10", "ndcg@100", "recall@20", "recall@50")

out = Console()
err = Console(stderr=True)


def say(text: str) -> None:
    """Write a line to standard output as it is."""
    out.print(text, markup=False, highlight=False, soft_wrap=True)


def note(text: str) -> None:
    """Write a line to standard error as it is."""
    err.print(text, markup=False, soft_wrap=True)


def warn(message: str) -> None:
    """Write a warning in a box."""
    out.print(Panel(escape(message), border_style="bold yellow", title="Note"))


def show_import(summary: ImportSummary) -> None:
    """Show the result of an import."""
    what = "is in the database already" if summary.unchanged else "imported"
    events = f"{summary.n_events:,} events and " if summary.n_events else ""
    say(
        f"{summary.name} {what}: {events}{summary.n_ratings:,} ratings of {summary.n_movies:,} "
        f"movies by {summary.n_users:,} users."
    )
    if not summary.unchanged:
        say(f"New: {_news(summary)}.")
        show_changes(summary.changes, say)
    if summary.rejected:
        bad = summary.rejected
        say(
            f"Skipped: {bad.n_bad:,} of {bad.n_rows:,} rows, which are in {bad.path}: "
            f"{'; '.join(bad.reasons)}"
        )
    if summary.notice:
        out.print(escape(summary.notice), style="dim")


def show_changes(changes: Sequence[Change], write: Callable[[str], None]) -> None:
    """Show which details of movies differ, the first ten in full."""
    for change in changes[:N_CHANGES]:
        write(str(change))
    if len(changes) > N_CHANGES:
        write(f"… and {len(changes) - N_CHANGES:,} more")


def _news(summary: ImportSummary) -> str:
    n_new = summary.n_ratings_written - summary.n_ratings_changed
    counts = [
        f"{summary.n_users_new:,} users",
        f"{summary.n_movies_new:,} movies",
        f"{n_new:,} ratings",
    ]
    further = {
        "events": summary.n_events_new,
        "movies seen or hidden": summary.n_seen_written,
    }
    counts += [f"{number:,} {what}" for what, number in further.items() if number]
    changed = {"ratings": summary.n_ratings_changed, "movies": summary.n_movies_changed}
    parts = [f"{number:,} {what}" for what, number in changed.items() if number]
    return ", ".join(counts) + (f"; changed: {', '.join(parts)}" if parts else "")


def show_result(result: TrainingResult) -> None:
    """Show the figures of a model beside those of popularity, and what the gate says."""
    out.print(_comparison(result.judged.results, _title(result), RANKING_METRICS))
    say(f"NDCG@100 is {result.judged.ratio:.2f} times that of popularity.")
    if result.warm_start.note:
        say(result.warm_start.note)
    gate = result.judged.gate
    if gate["compared_with"]:
        change = gate["differences"]["active"]
        say(
            f"Less that of the active model {gate['compared_with']}: {change['mean']:+.3f} "
            f"({change['low']:+.3f} to {change['high']:+.3f})."
        )
    if not gate["passed"]:
        what = "Published, although the gate says" if result.judged.is_published else "Refused"
        warn(f"{what}: " + "; ".join(gate["reasons"]))


def show_comparison(results: list[dict[str, Any]], title: str) -> None:
    """Show how every model ranks, then how far its probabilities can be trusted."""
    out.print(_comparison(results, escape(title), RANKING_METRICS))
    judged = [row for row in results if "auc" in row["metrics"]]
    if judged:
        out.print(_comparison(judged, "P(like | seen)", ("auc", "log_loss", "ece")))


def show_recommendations(response: Recommendations, dataset: str | None) -> None:
    """Show what a user is recommended, with the strongest reason for each movie."""
    heading = f"Recommendations for {response.user}"
    if response.reason is not None:
        why = response.reason.value.replace("_", " ")
        heading += f" ({response.source.value} movies: {why})"
    if response.seed is not None:
        heading += f" (seed {response.seed})"
    table = Table("", "movie", "P(like)", "P(like | seen)", "because", title=escape(heading))
    for place, item in enumerate(response.items, start=1):
        year = f" ({item.year})" if item.year else ""
        because = "" if item.source == "rbm" else item.source.value
        if item.because:
            best = item.because[0]
            because = f"{'liked' if best.liked else 'disliked'} {best.title} ({best.effect:+.2f})"
        table.add_row(
            str(place), escape(item.title + year), f"{item.score:.3f}",
            f"{item.like_probability:.2f}", escape(because),
        )  # fmt: skip
    if response.items:
        out.print(table)
    else:
        say(f"{heading}: no movie is left.")
    if response.draw is not None:
        _say_draw(response.draw)
    if dataset == "sample":
        out.print("[yellow]From the bundled sample: real movies, invented ratings.[/yellow]")


def _say_draw(draw: Draw) -> None:
    """Say how a sampled list differs from the ranked one."""
    changes = [
        f"{word} {each.genre} ({each.times:.1f} ×)"
        for word, genres in (("more", draw.more), ("less", draw.less))
        for each in genres
    ]
    if changes:
        say("This sample has " + ", ".join(changes) + " than the ranked list.")


def _title(result: TrainingResult) -> str:
    sample = result.dataset == "sample"
    data = "the bundled SAMPLE (invented ratings)" if sample else result.dataset
    return (
        f"Model {result.version}, trained on {escape(data)}: {result.n_gate_users} users that no "
        "training saw, mean ± standard error"
    )


def _comparison(results: list[dict[str, Any]], title: str, metrics: tuple[str, ...]) -> Table:
    """One row a model, one column a metric, with its standard error; at most 80 columns wide."""
    table = Table("model", *metrics, title=title, title_justify="left")
    for row in results:
        table.add_row(row["model"], *(_estimate(row["metrics"][name]) for name in metrics))
    return table


def _estimate(figure: Mapping[str, float | None]) -> str:
    mean, se = figure["mean"], figure.get("se")
    if mean is None:
        return "—"
    return f"{mean:.3f}" if se is None else f"{mean:.3f} ± {se:.3f}"

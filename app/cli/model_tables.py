"""How models look in a terminal."""

from pathlib import Path
from typing import Any

from rich.markup import escape
from rich.table import Column, Table

from app.registry.repository import PUBLISHED
from app.registry.schemas import ImportedModel, Model, ModelSummary, Outcome
from app.registry.service import ACTIVATED_ANYWAY, ROLLED_BACK

OUTCOMES = {
    Outcome.IMPORTED: "Model {} is imported",
    Outcome.UNCHANGED: "Model {} was here already, the same",
    Outcome.REPAIRED: "Model {} was here, with files damaged or away: they are replaced",
}
TRACES = {ACTIVATED_ANYWAY: "activated anyway", ROLLED_BACK: "rolled back"}
ELSEWHERE = "no: it may have been trained on anybody here, also on those who judge other models"


def table_of(models: list[ModelSummary]) -> Table:
    """Give a line for each model."""
    table = Table("", Column("version", no_wrap=True), "data set", "NDCG@100", "popularity's")
    for model in models:
        table.add_row(
            _standing(model),
            model.version,
            escape(str(model.dataset)),
            _figure(model.ndcg_at_100),
            _figure(model.popularity_ndcg_at_100),
        )
    return table


def facts_of(model: Model, folder: Path, damage: str | None) -> Table:
    """Give what there is to know of a model, but for its figures."""
    card = model.card
    configuration, data = card.get("configuration", {}), card.get("data", {})
    ratings, users = data.get("n_ratings"), data.get("n_users")
    facts = [
        ("standing", _standing(model) or "published"),
        *(("refused because", reason) for reason in model.refused_because),
        *((name, _trace(card[key])) for key, name in TRACES.items() if key in card),
        ("here since", f"{model.created_at:%Y-%m-%d %H:%M:%S} UTC"),
        ("data set", str(model.dataset)),
        ("trained on", f"{ratings:,} ratings by {users:,} users" if ratings and users else "—"),
        ("trained here", "yes" if model.trained_here else ELSEWHERE),
        ("hidden units", str(configuration.get("n_hidden", "—"))),
        ("films", f"{card['machine']['n_movies']:,}"),
        ("files", f"{folder}: {damage or 'whole'}"),
    ]
    table = Table(show_header=False, title=f"Model {model.version}", title_justify="left")
    for name, value in facts:
        table.add_row(name, escape(value))
    return table


def told(imported: ImportedModel, state: str) -> str:
    """Say what an import came to."""
    standing = "active" if imported.active else "not active"
    refused = "" if state == PUBLISHED else f", and {state} where it was trained"
    return f"{OUTCOMES[imported.outcome].format(imported.version)}. It is {standing}{refused}."


def _standing(model: ModelSummary) -> str:
    if model.active:
        return "active"
    if model.previous:
        return "before"
    return "" if model.state == PUBLISHED else model.state


def _trace(trace: dict[str, Any]) -> str:
    return f"{trace['at']} by {trace['by'] or 'somebody'}"


def _figure(value: float | None) -> str:
    return "—" if value is None else f"{value:.3f}"

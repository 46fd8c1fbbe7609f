"""`recommender models`: look at the models, choose the one that is served, move them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.table import Column, Table

from app.cli import output
from app.cli.failures import writing_to
from app.cli.session import open_database, open_store, read_settings, requester

if TYPE_CHECKING:
    from app.registry.schemas import ImportedModel, Model, ModelSummary

models = typer.Typer(
    no_args_is_help=True,
    help="Look at the models, choose the one that is served, move them.",
)

Version = Annotated[str, typer.Argument(help="Version of a model.", metavar="VERSION")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]

OUTCOMES = {
    "imported": "Model {} is imported",
    "unchanged": "Model {} was here already, the same",
    "repaired": "Model {} was here, with files damaged or missing: they are replaced",
}
TRACES = {"activated_anyway": "activated anyway", "rolled_back": "rolled back"}
ELSEWHERE = "no: it may have been trained on any user here, also on those by whom models are judged"


@models.command("list")
def show_list(*, as_json: AsJson = False) -> None:
    """List the models, the newest first."""
    from app.registry import service

    settings = read_settings()
    with open_database(settings) as database:
        listed = service.list_models(database)
        trouble = service.find_trouble(database, open_store(settings))
    if as_json:
        output.out.print_json(json.dumps([model.model_dump(mode="json") for model in listed]))
    else:
        output.out.print(_table(listed))
        if trouble:
            output.say(trouble)


@models.command("show")
def show(version: Version, *, as_json: AsJson = False) -> None:
    """Show what a model is, what it was trained on and how well it does."""
    from app.registry import service

    settings = read_settings()
    with open_database(settings) as database:
        model = service.find_model(database, version)
        damage = service.find_damage(database, open_store(settings), version)
    if as_json:
        output.out.print_json(json.dumps({**model.model_dump(mode="json"), "damage": damage}))
        return
    output.out.print(_facts(model, open_store(settings).place(version), damage))
    results = model.card.get("results", [])
    if results:
        output.show_comparison(results, "On users that no training saw, mean ± standard error")


@models.command("activate")
def activate(
    version: Version,
    *,
    anyway: Annotated[
        bool,
        typer.Option("--anyway", help="Also if the gate has refused it; this is recorded."),
    ] = False,
) -> None:
    """Serve a model from now on; running services follow within 2 seconds."""
    from app.registry import service

    settings = read_settings()
    with open_database(settings) as database:
        service.activate(database, open_store(settings), version, anyway=anyway, by=requester())
    output.say(f"Model {version} is active.")


@models.command("rollback")
def rollback() -> None:
    """Go back to the model before the active one; running services follow within 2 seconds.

    A second rollback goes one further back. The model that was left is not gone: `activate` it.
    """
    from app.registry import service

    settings = read_settings()
    with open_database(settings) as database:
        left = service.find_active(database).version
        version = service.rollback(database, open_store(settings), by=requester())
    undo = f" To undo this: recommender models activate {left}" if left else ""
    output.say(f"Model {version} is active again.{undo}")


@models.command("prune")
def prune(
    *,
    keep: Annotated[
        int | None,
        typer.Option(
            min=1, max=10_000, help="So many of the newest.", show_default="RECOMMENDER_KEEP_MODELS"
        ),
    ] = None,
) -> None:
    """Remove all but the newest published models, and but the 2 newest refused ones.

    The active model, the one before it and those of experiments in progress stay.
    """
    from app.registry import removal

    settings = read_settings()
    with open_database(settings) as database:
        kept = keep or settings.keep_models
        removed = removal.prune(database, open_store(settings), kept, by=requester())
    for version in removed:
        output.say(f"Model {version} is removed.")
    if not removed:
        output.say("There is nothing to remove.")


@models.command("remove")
def remove(version: Version) -> None:
    """Remove a model, its files included; never the active one or the one before it."""
    from app.registry import removal

    settings = read_settings()
    with open_database(settings) as database:
        removal.remove(database, open_store(settings), version, by=requester())
    output.say(f"Model {version} is removed.")


@models.command("export")
def export(
    version: Version,
    path: Annotated[
        Path | None, typer.Argument(help="A new file.", show_default="VERSION.tar here")
    ] = None,
) -> None:
    """Write a model into one file, for `models import` of another installation."""
    from app.registry.transfer import write_export

    settings = read_settings()
    with open_database(settings) as database:
        written = write_export(database, open_store(settings), version, path)
    output.say(f"Model {version} is in {written}.")


@models.command("import")
def import_(
    path: Annotated[Path, typer.Argument(help="A file that `models export` has written.")],
    *,
    activate: Annotated[bool, typer.Option("--activate", help="Serve it at once.")] = False,
) -> None:
    """Import a model from another installation, under its own version."""
    from app.registry import service
    from app.registry.transfer import read_import

    settings = read_settings()
    with open_database(settings) as database, writing_to(settings.models_dir):
        imported = read_import(
            database, open_store(settings), path, activate=activate, by=requester()
        )
        model = service.find_model(database, imported.version)
    output.say(_result(imported, model.state))


@models.command("upload")
def upload() -> None:
    """Copy the models of RECOMMENDER_MODELS_DIR into the store of RECOMMENDER_MODELS_URL.

    Do this once, when a folder is replaced by a store. What the store has already stays.
    """
    from app.registry.transfer import TransferError, upload_models
    from app.store.folder import ModelStore

    settings = read_settings()
    with open_database(settings) as database:
        store = open_store(settings)
        if not store.is_remote:
            raise TransferError("RECOMMENDER_MODELS_URL names no store")
        uploaded = upload_models(database, store, ModelStore(settings.models_dir))
    for version in uploaded:
        output.say(f"Model {version} is in {store.place(version)}.")
    if not uploaded:
        output.say("There is nothing to upload.")


def _table(models: list[ModelSummary]) -> Table:
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


def _facts(model: Model, place: str, damage: str | None) -> Table:
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
        ("movies", f"{card['machine']['n_movies']:,}"),
        ("files", f"{place}: {damage or 'whole'}"),
    ]
    table = Table(show_header=False, title=f"Model {model.version}", title_justify="left")
    for name, value in facts:
        table.add_row(name, escape(value))
    return table


def _result(imported: ImportedModel, state: str) -> str:
    standing = "active" if imported.active else "not active"
    refused = "" if state == "published" else f", and {state} where it was trained"
    return f"{OUTCOMES[imported.outcome].format(imported.version)}. It is {standing}{refused}."


def _standing(model: ModelSummary) -> str:
    if model.active:
        return "active"
    if model.previous:
        return "before"
    return "" if model.state == "published" else model.state


def _trace(trace: dict[str, Any]) -> str:
    return f"{trace['at']} by {trace['by'] or 'unknown'}"


def _figure(value: float | None) -> str:
    return "—" if value is None else f"{value:.3f}"

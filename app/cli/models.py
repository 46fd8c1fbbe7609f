"""`recommender models`: look at the models, choose the one that is served, carry them about."""

import json
import os
import socket
from pathlib import Path
from typing import Annotated

import typer

from app.cli import output as console
from app.cli.session import open_database, read_settings

models = typer.Typer(
    no_args_is_help=True,
    help="Look at the models, choose the one that is served, carry them about.",
)

Version = Annotated[str, typer.Argument(help="Version of a model.", metavar="VERSION")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@models.command("list")
def show_list(*, as_json: AsJson = False) -> None:
    """List the models, the newest first."""
    from app.cli import model_tables as showing
    from app.registry import service

    with open_database(read_settings()) as database:
        listed = service.list_models(database)
    if as_json:
        console.out.print_json(json.dumps([model.model_dump(mode="json") for model in listed]))
    else:
        console.out.print(showing.table_of(listed))


@models.command("show")
def show(version: Version, *, as_json: AsJson = False) -> None:
    """Show what a model is, what it was trained on and how well it does."""
    from app.cli import model_tables as showing
    from app.registry import service

    settings = read_settings()
    with open_database(settings) as database:
        model = service.find_model(database, version)
        damage = service.find_damage(database, settings.models_dir, version)
    if as_json:
        console.out.print_json(json.dumps({**model.model_dump(mode="json"), "damage": damage}))
        return
    console.out.print(showing.facts_of(model, settings.models_dir / version, damage))
    results = model.card.get("results", [])
    if results:
        console.show_comparison(results, "On users that no training saw, mean ± standard error")


@models.command("activate")
def activate(
    version: Version,
    *,
    anyway: Annotated[
        bool, typer.Option(help="Also if the gate has refused it; this is recorded.")
    ] = False,
) -> None:
    """Serve a model from now on; running services follow within 2 seconds."""
    from app.registry import service

    settings = read_settings()
    with open_database(settings) as database:
        service.activate(database, settings.models_dir, version, anyway=anyway, by=_requester())
    console.out.print(f"Model {version} is active.", highlight=False)


@models.command("rollback")
def rollback() -> None:
    """Go back to the model before the active one; running services follow within 2 seconds.

    A second rollback goes one further back. The model that was left is not gone: `activate` it.
    """
    from app.registry import service

    settings = read_settings()
    with open_database(settings) as database:
        left = service.find_active(database).version
        version = service.rollback(database, settings.models_dir, by=_requester())
    console.out.print(
        f"Model {version} is active again. To undo this: recommender models activate {left}",
        highlight=False, soft_wrap=True,
    )  # fmt: skip


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

    The active model and the one before it stay, whatever their age.
    """
    from app.registry import service

    settings = read_settings()
    with open_database(settings) as database:
        removed = service.prune(database, settings.models_dir, keep or settings.keep_models)
    for version in removed:
        console.out.print(f"Model {version} is removed.", highlight=False)
    if not removed:
        console.out.print("There is nothing to remove.")


@models.command("remove")
def remove(version: Version) -> None:
    """Remove a model, its files included; never the active one or the one before it."""
    from app.registry import service

    settings = read_settings()
    with open_database(settings) as database:
        service.remove(database, settings.models_dir, version)
    console.out.print(f"Model {version} is removed.", highlight=False)


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
        written = write_export(database, settings.models_dir, version, path)
    console.out.print(f"Model {version} is in {written}.", highlight=False, soft_wrap=True)


@models.command("import")
def import_(
    path: Annotated[Path, typer.Argument(help="A file that `models export` has written.")],
    *,
    activate: Annotated[bool, typer.Option("--activate", help="Serve it at once.")] = False,
) -> None:
    """Take over a model from another installation, under its own version."""
    from app.cli import model_tables as showing
    from app.registry import service
    from app.registry.transfer import read_import

    settings = read_settings()
    with open_database(settings) as database:
        imported = read_import(
            database, settings.models_dir, path, activate=activate, by=_requester()
        )
        model = service.find_model(database, imported.version)
    console.out.print(showing.told(imported, model.state), highlight=False, soft_wrap=True)


def _requester() -> str:
    return f"command line ({socket.gethostname()}:{os.getpid()})"

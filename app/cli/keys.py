"""`recommender keys`: make, list and revoke API keys."""

import json
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from app.auth.scopes import Scope
from app.cli import output
from app.cli.session import open_database, read_settings, requester

keys = typer.Typer(no_args_is_help=True, help="Make, list and revoke the keys of the API.")


@keys.command("create")
def create(
    *,
    scope: Annotated[
        list[Scope], typer.Option(help="What the key allows; may be repeated. `admin` is all.")
    ],
    name: Annotated[str, typer.Option(help="What it is for.")] = "",
) -> None:
    """Make a key and print it; this is the only time that it is shown."""
    from app.auth.service import create_key
    from data.rules import MAX_NAME_LENGTH, flaw

    if problem := flaw(name, MAX_NAME_LENGTH):
        raise typer.BadParameter(f"the name {problem}", param_hint="--name")

    with open_database(read_settings(), migrate=True) as database:
        key = create_key(database, scope, name, by=requester())
    output.say(key.text)
    output.note("Keep it: only its hash is stored.")


@keys.command("list")
def show(*, as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """List the keys, the oldest first."""
    from app.auth.service import list_keys

    with open_database(read_settings()) as database:
        listed = list_keys(database)
    if as_json:
        output.out.print_json(json.dumps(listed))
        return
    table = Table("prefix", "name", "scopes", "created", "revoked")
    for key in listed:
        table.add_row(
            key["prefix"], escape(key["name"]), " ".join(key["scopes"]), key["created_at"],
            key["revoked_at"] or "",
        )  # fmt: skip
    output.out.print(table)


@keys.command("revoke")
def revoke(key: Annotated[str, typer.Argument(help="Its prefix.", metavar="PREFIX")]) -> None:
    """Make a key invalid for good; running services follow within seconds."""
    from app.auth.service import revoke_key

    with open_database(read_settings()) as database:
        prefix = revoke_key(database, key, by=requester())
    output.say(f"Key {prefix} is revoked.")

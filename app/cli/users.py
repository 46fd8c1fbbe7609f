"""`recommender users`: show and erase users by their keys, any that are stored."""

from typing import Annotated

import typer

from app.cli import output
from app.cli.session import open_database, read_settings, requester

users = typer.Typer(no_args_is_help=True, help="Show what is stored about a user, or erase it.")

Key = Annotated[str, typer.Argument(help="The user's key; `--` before one that begins with `-`.")]


class UserUnknownError(ValueError):
    """Nothing is stored about this user."""


@users.command("show")
def show_user(user: Key) -> None:
    """Print all that is stored about a user, as JSON."""
    from app.ratings.errors import UserNotFoundError
    from app.users.service import UserService

    settings = read_settings()
    with open_database(settings) as database:
        try:
            found = UserService(database, settings.like_threshold).export(as_text(user))
        except UserNotFoundError as error:
            raise _unknown(user) from error
    output.out.print_json(found.model_dump_json())


@users.command("erase")
def erase_user(
    user: Key, *, yes: Annotated[bool, typer.Option("--yes", help="Do not ask before.")] = False
) -> None:
    """Delete all that is stored about a user, as `DELETE /users/{user}` does.

    A key that a path cannot hold, such as `..` of an early import, is erased here.
    """
    from app.ratings import user_repository
    from app.users.service import UserService
    from data.rules import shown

    settings = read_settings()
    with open_database(settings) as database:
        with database.read() as connection:
            if user_repository.find(connection, as_text(user)) is None:
                raise _unknown(user)
        if not yes:
            typer.confirm(f"Erase the user {shown(user)} with all ratings and events?", abort=True)
        UserService(database, settings.like_threshold).erase(user, by=requester())
    output.say(f"User {shown(user)} is erased.")


def as_text(user: str) -> str:
    """Return a key of the command line; half surrogate pairs in it stand for bytes of no text."""
    from data.rules import cleaned, shown

    if cleaned(user) != user:
        raise UserUnknownError(f"no user has the key {shown(user)}")
    return user


def _unknown(user: str) -> UserUnknownError:
    from data.rules import shown

    return UserUnknownError(f"nothing is stored about the user {shown(user)}")

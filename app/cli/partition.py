"""`recommender partition`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli import output
from app.cli.session import DATABASE, open_database, read_settings

if TYPE_CHECKING:
    from data.mapping import Mapping
    from data.shards import Partition


def partition(
    source: Annotated[
        str,
        typer.Argument(help="A release, `sample`, a path, `-`, or `db`, the database's ratings."),
    ],
    target: Annotated[
        str,
        typer.Argument(help="A new folder, or an address such as `s3://bucket/shards`."),
    ],
    *,
    n_shards: Annotated[
        int, typer.Option("--shards", min=1, max=100_000, help="About four for each worker.")
    ] = 16,
    mapping: Annotated[
        Path | None, typer.Option(help="How to read a file of your own, as TOML: see `import`.")
    ] = None,
) -> None:
    """Write ratings as Parquet files that Dask's workers read: one for a part of the users.

    Memory holds one part at a time, so the ratings may be many more. Nothing is imported; a model
    that is trained on the parts of a file needs its movies in the database.
    """
    from app.cli import progress as bars
    from app.cli.failures import require, writing_to
    from app.cli.interruption import stoppable
    from app.datasets import partition as parts

    require("pyarrow")
    settings = read_settings()
    folder = Path(target)
    with (
        open_database(settings, migrate=source != DATABASE) as database,
        stoppable(lambda: f"{target} is no partition yet"),
        writing_to(folder),
        bars.stages() as report,
    ):
        made = parts.partition(
            database, settings, source, target, n_shards, mapping=_read(mapping), progress=report
        )
    _say(made)


def _read(path: Path | None) -> Mapping | None:
    from data.mapping import Mapping

    return Mapping.from_toml(path) if path else None


def _say(made: Partition) -> None:
    output.say(
        f"{made.n_ratings:,} ratings of {made.n_users:,} users are in {made.url}: "
        f"{len(made.training)} shards of {made.n_training_users:,} training users, "
        f"{made.validation.n_users:,} validation users, {made.gate.n_users:,} to judge by, "
        f"{made.n_movies:,} movies."
    )
    output.say(f"recommender train --dask ADDRESS --shards {made.url}")

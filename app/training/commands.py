"""`recommender train` and `recommender tune`."""

import json
from pathlib import Path
from typing import Annotated

import typer

from app import console
from app.config import VAR
from app.opening import open_database, read_settings


def train(
    *,
    seed: Annotated[int, typer.Option(min=0, help="Seed of everything random.")] = 0,
    epochs: Annotated[
        int | None, typer.Option(min=1, help="Passes over the data.", show_default="by size")
    ] = None,
    hidden: Annotated[
        int | None, typer.Option(min=1, help="Hidden units.", show_default="by size")
    ] = None,
    config: Annotated[
        Path | None, typer.Option(help="Hyper-parameters in JSON, as `tune` writes them.")
    ] = None,
    start: Annotated[
        str | None, typer.Option(help="Version of a model to go on from.", metavar="VERSION")
    ] = None,
    checkpoint_every: Annotated[
        int | None, typer.Option(min=1, help="Epochs between checkpoints.", show_default="a minute")
    ] = None,
    resume: Annotated[bool, typer.Option(help="Go on from the last checkpoint.")] = False,
) -> None:
    """Train on what is in the database, show how well it does, publish it.

    SIGTERM or Ctrl-C keeps a checkpoint for `--resume` and leaves with 128 + the signal's number.
    """
    from app.training.running import Checkpoints
    from app.training.service import read_configuration, train_and_publish

    settings = read_settings()
    changes = {} if config is None else read_configuration(config)
    given = {"n_epochs": epochs, "n_hidden": hidden}
    with open_database(settings) as database:
        with console.training() as on_epoch:
            result = train_and_publish(
                database,
                settings.models_dir,
                like_threshold=settings.like_threshold,
                changes=changes | {name: value for name, value in given.items() if value},
                seed=seed,
                start=start,
                checkpoints=Checkpoints(checkpoint_every, resume),
                on_epoch=on_epoch,
            )
        console.show_result(result)


def tune(
    source: Annotated[
        str,
        typer.Argument(help="A release, a path, or `db` for the database.", metavar="NAME|PATH|db"),
    ],
    *,
    trials: Annotated[int, typer.Option(min=1, help="Trials in all.")] = 30,
    splits: Annotated[
        int, typer.Option(min=1, max=20, help="Splits that a trial is judged on.")
    ] = 1,
    seed: Annotated[int, typer.Option(min=0, help="Seed of splits, trainings and search.")] = 0,
    config: Annotated[
        Path | None, typer.Option(help="Hyper-parameters to begin with, in JSON.")
    ] = None,
    study: Annotated[
        Path, typer.Option(help="Where trials are kept; the same command goes on from there.")
    ] = VAR / "tuning.db",
    output: Annotated[
        Path | None, typer.Option(help="Write the best configuration to this file.")
    ] = None,
) -> None:
    """Search hyper-parameters on validation users; the result is for `train --config`."""
    from app.training.service import read_configuration
    from app.training.tuning import search

    settings = read_settings()
    with console.trials() as on_trial:
        tuned = search(
            settings, source, n_trials=trials, n_splits=splits, seed=seed, storage=study,
            changes={} if config is None else read_configuration(config), on_trial=on_trial,
        )  # fmt: skip
    text = json.dumps(tuned.config.model_dump(), indent=2)
    if output is None:
        console.out.print_json(text)
    else:
        output.write_text(text + "\n")

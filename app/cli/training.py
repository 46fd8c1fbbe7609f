"""`recommender train`, `recommender retrain` and `recommender tune`."""

from __future__ import annotations

import json
import logging.config
import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.cli import files, output
from app.cli.failures import exit_code, naming_database, require
from app.cli.interruption import stoppable
from app.cli.intervals import seconds
from app.cli.session import open_database, open_source, read_settings, requester

if TYPE_CHECKING:
    from app.config import Settings
    from app.jobs.checkpoints import Checkpoints
    from app.jobs.schemas import TrainingOptions
    from app.training.pipeline import TrainingResult
    from app.training.sharded import OnDask

logger = logging.getLogger(__name__)

REFUSED = 3  # the exit code of a retraining whose candidate the gate has refused

Seed = Annotated[int, typer.Option(min=0, help="Seed of everything random.")]
Epochs = Annotated[
    int | None, typer.Option(min=1, help="Passes over the data.", show_default="by size")
]
Hidden = Annotated[int | None, typer.Option(min=1, help="Hidden units.", show_default="by size")]
ConfigFile = Annotated[
    Path | None, typer.Option(help="Hyper-parameters in JSON, as `tune` writes them.")
]


def train(  # noqa: PLR0913 (options)
    *,
    seed: Seed = 0,
    epochs: Epochs = None,
    hidden: Hidden = None,
    config: ConfigFile = None,
    start: Annotated[
        str | None, typer.Option(help="Version of a model for a warm start.", metavar="VERSION")
    ] = None,
    checkpoint_every: Annotated[
        int | None, typer.Option(min=1, help="Epochs between checkpoints.", show_default="a minute")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Resume from the last checkpoint.")
    ] = False,
    dask: Annotated[
        str | None,
        typer.Option(
            help="Train on Dask's workers: `tcp://…` or `tls://…` of a scheduler, or `local:4`.",
            metavar="ADDRESS",
        ),
    ] = None,
    shards: Annotated[
        str | None,
        typer.Option(
            help="Folder or address that all workers reach, as `partition` writes it.",
            show_default="the database",
        ),
    ] = None,
    replicas: Annotated[
        int | None,
        typer.Option(min=1, help="Groups of shards that train at once.", show_default="shards / 4"),
    ] = None,
    local_batches: Annotated[
        int | None,
        typer.Option(min=1, help="Batches of a replica per round, at most.", show_default="400"),
    ] = None,
    lag: Annotated[
        bool,
        typer.Option("--lag", help="A slow replica may lag one round; other bits each time."),
    ] = False,
) -> None:
    """Train on what is in the database, show how well it does, publish it.

    SIGTERM or Ctrl-C keeps a checkpoint for `--resume`; exits with 128 + the signal's number.
    """
    from app.jobs.checkpoints import Checkpoints, Resume

    on_dask = _on_dask(dask, shards=shards, replicas=replicas, local_batches=local_batches, lag=lag)

    options = _options(
        seed, epochs, hidden, config, start=start, from_scratch=start is None, publish_anyway=True
    )
    checkpoints = Checkpoints(checkpoint_every, Resume.REQUIRED if resume else Resume.NO)
    _train(read_settings(), options, checkpoints, on_dask=on_dask)


def retrain(
    *,
    from_scratch: Annotated[bool, typer.Option("--from-scratch", help="No warm start.")] = False,
    publish_anyway: Annotated[
        bool, typer.Option("--publish-anyway", help="Publish what the gate refuses.")
    ] = False,
    every: Annotated[
        str | None,
        typer.Option(help="Repeat for ever: 90s, 30m, 6h or 1d from one to the next."),
    ] = None,
    seed: Seed = 0,
    epochs: Epochs = None,
    hidden: Hidden = None,
    config: ConfigFile = None,
    run: Annotated[int | None, typer.Option(hidden=True)] = None,
) -> None:
    """Train on what is in the database, and publish the model only if it is no worse.

    Warm start with the active model; resumes from the checkpoint of a run that was killed. Where no
    rating has changed since that model was trained, nothing is done. The exit code is 3 when the
    gate has refused the model: it is kept with the reasons, and not served.
    """
    require("numba")
    settings = read_settings()
    if run is not None:
        _train_run(settings, run)
        return
    options = _options(
        seed, epochs, hidden, config, from_scratch=from_scratch, publish_anyway=publish_anyway
    )
    if every is None:
        _train(settings, options, None, where_new=True)
    else:
        _train_every(settings, options, every)


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
        Path, typer.Option(help="Where trials are kept; the same command continues there.")
    ] = Path("var/tuning.db"),
    path: Annotated[
        Path | None, typer.Option("--output", help="Write the best configuration to this file.")
    ] = None,
) -> None:
    """Search hyper-parameters on validation users; the result is for `train --config`."""
    from sqlalchemy import make_url

    from app.cli import progress as bars
    from app.training.hyper_parameters import read_configuration
    from app.training.tuning import search

    files.check_folder(path)
    settings = read_settings()
    with (
        open_source(settings, source),
        naming_database(make_url(f"sqlite:///{study}")),
        stoppable(lambda: f"the trials that ended are kept in {study}"),
        bars.trials() as on_trial,
    ):
        tuned = search(
            settings, source, n_trials=trials, n_splits=splits, seed=seed, storage=study,
            changes={} if config is None else read_configuration(config), on_trial=on_trial,
        )  # fmt: skip
    text = json.dumps(tuned.config.model_dump(exclude_none=True), indent=2)
    if path is None:
        output.out.print_json(text)
    else:
        files.write(path, text + "\n")


def _on_dask(address: str | None, *, shards: str | None, **how: Any) -> OnDask | None:
    """Return where to train, where that is not this process."""
    if address is None:
        given = [name for name, value in {"shards": shards, **how}.items() if value]
        if given:
            option = given[0].replace("_", "-")
            raise typer.BadParameter("it needs --dask ADDRESS", param_hint=f"--{option}")
        return None
    require("distributed")
    from app.training.sharded import OnDask
    from model.distributed.plan import Distribution

    return OnDask(address, shards, Distribution(**how))


def _options(
    seed: int, epochs: int | None, hidden: int | None, config: Path | None, **others: Any
) -> TrainingOptions:
    from pydantic import ValidationError

    from app.jobs.errors import TrainingError
    from app.jobs.schemas import TrainingOptions
    from app.training.hyper_parameters import read_configuration

    given = {"n_epochs": epochs, "n_hidden": hidden}
    changes = {} if config is None else read_configuration(config)
    changes |= {name: value for name, value in given.items() if value is not None}
    try:
        return TrainingOptions(seed=seed, hyper_parameters=changes, **others)
    except ValidationError as error:
        message = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise TrainingError(message) from None


def _train(
    settings: Settings,
    options: TrainingOptions,
    checkpoints: Checkpoints | None,
    *,
    where_new: bool = False,
    on_dask: OnDask | None = None,
) -> None:
    """Train in this process; `where_new` only if the active model does not know the ratings."""
    from app.cli import progress as bars
    from app.jobs.service import request_run
    from app.training.news import model_of_these_ratings
    from app.training.pipeline import carry_out

    with open_database(settings) as database:
        known = model_of_these_ratings(database, settings, options) if where_new else None
        if known is not None:
            output.say(
                f"Nothing new: no rating has changed since model {known} was trained "
                "(--from-scratch trains all the same)."
            )
            return
        run_id = request_run(database, options, requester())
        with bars.training() as shown:
            result = carry_out(
                database,
                settings,
                run_id,
                checkpoints=checkpoints,
                on_dask=on_dask,
                **shown._asdict(),
            )
    _show(result)


def _train_run(settings: Settings, run_id: int) -> None:
    """Carry out a run that the service, or `--every`, has requested."""
    from app.core.logging import log_config
    from app.training.pipeline import carry_out

    os.nice(10)  # a service on this machine goes first
    logging.config.dictConfig(log_config(settings))
    with open_database(settings) as database:
        try:
            result = carry_out(database, settings, run_id)
        except Exception as error:  # its row says so too
            raise typer.Exit(_log_failure(run_id, error)) from None
    _show(result)


def _log_failure(run_id: int, error: Exception) -> int:
    """Log why a run has ended early; return the exit code."""
    from app.jobs.errors import TrainingStoppedError
    from app.jobs.failures import classify
    from app.jobs.schemas import Failure

    text = " ".join(str(error).split())
    if isinstance(error, TrainingStoppedError):
        logger.info("training run %d: %s", run_id, text)
    else:
        why = classify(error)
        unexpected = error if why is Failure.ERROR else None
        logger.error("training run %d failed (%s): %s", run_id, why, text, exc_info=unexpected)
    return exit_code(error)


def _train_every(settings: Settings, options: TrainingOptions, interval: str) -> None:
    from app.core.logging import log_config
    from app.jobs.schedule import train_every
    from app.training.news import model_of_these_ratings

    logging.config.dictConfig(log_config(settings))
    with open_database(settings) as database:
        requested_by = requester(f"every {interval}")
        known = partial(model_of_these_ratings, database, settings, options)
        train_every(database, settings, options, seconds(interval), requested_by, known)


def _show(result: TrainingResult) -> None:
    output.show_result(result)
    if not result.judged.is_published:
        raise typer.Exit(REFUSED)

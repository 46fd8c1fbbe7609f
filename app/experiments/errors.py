"""Errors about experiments."""

from app.core.errors import AppError

SAMPLE = {"name": "new-model"}


class ExperimentNotFoundError(AppError, status=404):
    """There is no such experiment."""

    message = "There is no experiment {name}."
    sample = SAMPLE


class ArmNotFoundError(AppError, status=404):
    """The experiment has no such arm."""

    message = "The experiment {name} has no arm {arm}."
    sample = {**SAMPLE, "arm": "b"}


class ExperimentExistsError(AppError, status=409):
    """There is another experiment of this name; what was begun cannot be changed."""

    message = (
        "There is another experiment {name}. What was begun cannot be changed, and a name is used "
        "once: stop it if it runs, and begin one of another name."
    )
    sample = SAMPLE


class OtherExperimentRunningError(AppError, status=409):
    """Another experiment runs for the same requests."""

    message = "The experiment {name} runs for the same requests: stop it first."
    sample = SAMPLE


class ArmNotPromotableError(AppError, status=409):
    """What this arm served cannot be served to all users."""

    message = "The arm {arm} cannot be promoted: {reason}."
    sample = {
        "arm": "b",
        "reason": "requests without a scenario have no rules; stop the experiment, and ask for the "
        "scenario home",
    }


class ExperimentStoppedError(AppError, status=409):
    """The experiment is stopped, and its models are not held any more."""

    message = "The experiment {name} is stopped: its shadows are not compared any more."
    sample = SAMPLE

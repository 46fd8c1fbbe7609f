"""Errors about published models."""

from collections.abc import Sequence

from app.core.errors import AppError

SAMPLE = {"version": "20261120T101500Z-3f2a"}


class ModelNotFoundError(AppError, status=404):
    """There is no such model."""

    message = "There is no model {version}."
    sample = SAMPLE


class ReportNotFoundError(AppError, status=404):
    """This model has no report card."""

    message = "Model {version} has no report card."
    sample = SAMPLE


class ModelDamagedError(AppError, status=409):
    """The files of this model are damaged or away, so it cannot be served."""

    sample = {**SAMPLE, "reason": "W.npy is damaged: its checksum is not the card's"}

    def __init__(self, version: str, reason: str) -> None:
        super().__init__(f"Model {version} cannot be served: {reason}.", version=version)


class ModelRefusedError(AppError, status=409):
    """The gate has refused this model; say `anyway` to serve it all the same."""

    sample = {**SAMPLE, "reasons": ["it does not rank better than popularity"]}

    def __init__(self, version: str, reasons: Sequence[str]) -> None:
        why = f" ({'; '.join(reasons)})" if reasons else ""
        super().__init__(
            f"Model {version} was refused{why}; say `anyway` to serve it all the same.",
            version=version,
            reasons=list(reasons),
        )


class ModelInUseError(AppError, status=409):
    """The active model and the one before it cannot be removed."""

    message = "Model {version} is active, or the one before the active one, and cannot be removed."
    sample = SAMPLE


class ModelInExperimentError(AppError, status=409):
    """A model that an experiment in progress compares cannot be removed."""

    message = "Model {version} is compared in an experiment in progress: stop that first."
    sample = SAMPLE


class ModelExistsError(AppError, status=409):
    """There is a model of this version already, and it is not the same."""

    message = "There is a model {version} already, and it is not the same."
    sample = SAMPLE


class ModelUnfitError(AppError, status=409):
    """The movies of this model are not in the catalogue since its data was replaced."""

    message = (
        "Model {version} cannot be served: {missing} of its {movies} movies are not in the "
        "catalogue. Train a model, or import its data again."
    )
    sample = {**SAMPLE, "missing": 3706, "movies": 3706}


class NoPreviousModelError(AppError, status=409):
    """There is no model before the active one to go back to."""


class OtherModelActivatedError(AppError, status=409):
    """Another model has become active meanwhile: look again before going on."""

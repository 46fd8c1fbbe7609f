"""Errors about scenarios."""

from app.core.errors import AppError


class ScenarioChangedError(AppError, status=409):
    """Somebody else has changed the scenario since the version that was to be replaced."""

    message = "Scenario {name} is at version {version}: look at it again before changing it."
    sample = {"name": "home", "version": 3}


class ScenarioInUseError(AppError, status=409):
    """An experiment in progress needs this scenario."""

    message = "The experiment {experiment} needs the scenario {name}: stop it first."
    sample = {"name": "home", "experiment": "new-model"}


class TooManyScenariosError(AppError, status=409):
    """There are as many scenarios as each worker keeps in memory; delete one first."""

    message = "There are {limit} scenarios already: delete one first."
    sample = {"limit": 100}

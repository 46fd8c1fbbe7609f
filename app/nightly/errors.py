"""Errors about nightly lists."""

from pathlib import Path


class ListsInProgressError(RuntimeError):
    """Another process makes the same lists."""

    def __init__(self, folder: Path) -> None:
        super().__init__(f"another process makes these lists ({folder} is locked)")


class NotListedInBulkError(ValueError):
    """The lists cannot be made by products of matrices."""

    def __init__(self, scenario: str | None) -> None:
        named = f"the scenario {scenario}" if scenario else "the model that is served"
        super().__init__(
            f"{named} has rules, or a model, that the API alone lists: leave out --dask"
        )


class OtherListsError(ValueError):
    """The folder holds lists that are not those asked for."""

    def __init__(self, folder: str) -> None:
        super().__init__(f"{folder} holds other lists, or the same ones, whole: give a new folder")


class WorkerDiedError(RuntimeError):
    """The same work has ended several workers."""

    def __init__(self) -> None:
        super().__init__(
            "several workers died of the same shard: they may need more memory, or more shards; "
            "the same command goes on with the others"
        )


class OtherServiceError(RuntimeError):
    """A worker sees another model, or other rules or movies, than the command."""

    def __init__(self) -> None:
        super().__init__(
            "a worker sees another model, rules or movies than this command: the same settings "
            "must be in its environment; where the model has changed just now, begin again"
        )

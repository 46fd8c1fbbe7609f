"""Where a training is, on disk: what it needs to go on, and the names of the files that count.

<folder>/state.json           replaced last, so that a run can be killed at any moment
<folder>/round-000012.f32     the vector that round 12 begins with
<folder>/epochs-000006.f32    sum of W, a and b over the averaged epochs
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Self

from data import shared
from model.checkpoint import CheckpointError
from model.distributed.parameters import File, check
from model.training import EpochReport

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["State", "epochs_file", "round_file"]

FORMAT = 1
STATE = "state.json"


@dataclass(slots=True)
class State:
    """Position of a training.

    Parameters
    ----------
    folder : str
    parameters : File
        The vector that the next round begins with.
    kept : File
        The vector of the last epoch, or the sum of the averaged ones.
    n_kept : int
        Epochs in that sum.
    round : int
        Rounds done.
    counts : list of int
        Users, ratings and missed ratings of the epoch in progress.
    curve : list of EpochReport
        Of the epochs done.
    """

    folder: str
    parameters: File
    kept: File
    n_kept: int = 1
    round: int = 0
    counts: list[int] = field(default_factory=lambda: [0, 0, 0])
    curve: list[EpochReport] = field(default_factory=list)
    _named: set[str] = field(default_factory=set)

    def write(self, note: Mapping[str, Any], *, keep_old: bool = False) -> None:
        """Write where the training is; then files that no longer count are removed, or kept."""
        files = [
            (each.place.rpartition("/")[2], *each[1:]) for each in (self.parameters, self.kept)
        ]
        state = {
            "format": FORMAT,
            "round": self.round,
            "files": files,
            "n_kept": self.n_kept,
            "counts": self.counts,
            "curve": [asdict(report) for report in self.curve],
            "note": dict(note),
        }
        content = json.dumps(state, indent=2, allow_nan=False).encode()
        shared.write(shared.place_of(self.folder, STATE), content)
        named = {self.parameters.place, self.kept.place}
        if not keep_old:
            for place in self._named - named:
                shared.remove(place)
            self._named = set()
        self._named |= named

    @classmethod
    def read(cls, folder: str) -> Self:
        """Read where a training was.

        Raises
        ------
        CheckpointError
            There is none, or a file of it is missing or damaged.
        """
        place = shared.place_of(folder, STATE)
        try:
            content = json.loads(shared.read(place))
        except FileNotFoundError:
            raise CheckpointError(
                f"there is no checkpoint of this run in {folder}: it had other ratings, settings "
                "or replicas, or another seed"
            ) from None
        except ValueError as error:
            raise CheckpointError(f"{place} is not JSON: {error}") from error
        if content.get("format") != FORMAT:
            raise CheckpointError(f"{place} is not of format {FORMAT}, which this version reads")
        parameters, kept = (
            File(shared.place_of(folder, name), *rest) for name, *rest in content["files"]
        )
        check(parameters)
        check(kept)
        return cls(
            folder, parameters, kept, content["n_kept"], content["round"], content["counts"],
            [EpochReport(**report) for report in content["curve"]],
            {parameters.place, kept.place},
        )  # fmt: skip


def round_file(folder: str, number: int) -> str:
    """Return the place of the vector that a round begins with."""
    return shared.place_of(folder, f"round-{number:06d}.f32")


def epochs_file(folder: str, n_epochs: int) -> str:
    """Return the place of the sum after so many epochs."""
    return shared.place_of(folder, f"epochs-{n_epochs:06d}.f32")

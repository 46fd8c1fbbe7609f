"""What a card says of the machine itself, checked."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from model.rbm import Calibration
from model.sanity import MAX_PARAMETER, SMALLEST

__all__ = ["Machine", "first_problem", "read_machine"]

# More would not fit into any memory.
MAX_UNITS = 2**31 - 1

Units = Annotated[int, Field(ge=1, le=MAX_UNITS, strict=True)]
Size = Annotated[int, Field(ge=0, le=2**40, strict=True)]
Finite = Annotated[float, Field(strict=True, allow_inf_nan=False)]
Weight = Annotated[Finite, Field(ge=-MAX_PARAMETER, le=MAX_PARAMETER)]
Scale = Annotated[Finite, Field(ge=SMALLEST, le=1 / SMALLEST)]


class _Part(BaseModel):
    """Part of a card; other fields do not matter."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class _Calibration(_Part):
    hidden: Weight
    film: Weight
    person: Weight
    shift: Weight
    length: Weight = 0.0
    like_slope: Annotated[Weight, Field(gt=0)] = 1.0
    like_shift: Weight = 0.0


class _Prior(_Part):
    size: Size
    length: Scale


class _Couplings(_Part):
    size: Size
    strength: Annotated[Finite, Field(gt=0)]
    l2: Annotated[Finite, Field(ge=0)]


class _Coarse(_Part):
    size: Size


class Machine(_Part):
    """The values of a machine besides its arrays; `size` is what shapes do not say."""

    n_movies: Units
    n_hidden: Units
    mean_ratings: Scale
    classic: Annotated[bool, Field(strict=True)]
    calibration: _Calibration
    prior: _Prior | None = None
    couplings: _Couplings | None = None
    coarse: _Coarse | None = None

    def calibrated(self) -> Calibration:
        """Return the weights of the calibration."""
        return Calibration(**self.calibration.model_dump())


def read_machine(part: Any) -> Machine:
    """Read the part ``machine`` of a card.

    Raises
    ------
    ValueError
        A value is missing, of another type, or out of range; one line.
    """
    try:
        return Machine.model_validate(part)
    except ValidationError as error:
        raise ValueError(f"machine.{first_problem(error)}") from error


def first_problem(error: ValidationError) -> str:
    """Return place and message of the first error, on one line."""
    first = error.errors(include_url=False, include_input=False)[0]
    return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"

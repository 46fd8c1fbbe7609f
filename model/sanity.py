"""Whether the parameters of a machine can be those of a trained one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from model.rbm import RBM

__all__ = ["MAX_PARAMETER", "insane_parameters"]

# One weight of 100 alone decides a unit beyond what float32 can tell from certainty, and those of
# a trained machine are near 1: larger ones have run away, though they may still be finite.
MAX_PARAMETER = 1_000.0


def insane_parameters(rbm: RBM) -> list[str]:
    """Name the parameters that are not finite, or far from those of any trained machine."""
    named = {"W": rbm.W, "a": rbm.a, "b": rbm.b, "mean_ratings": np.array(rbm.mean_ratings)}
    problems = []
    for name, values in named.items():
        if not np.isfinite(values).all():
            problems.append(f"{name} is not finite")
        elif name != "mean_ratings" and np.abs(values).max(initial=0) > MAX_PARAMETER:
            problems.append(f"{name} is larger than {MAX_PARAMETER:,.0f}")
    return problems

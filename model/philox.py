"""A counter-based random number generator for the kernels.

The same counter and key give the same numbers, in any thread and any order.

References
----------
.. [1] J. Salmon, M. Moraes, R. Dror, D. Shaw. Parallel Random Numbers: As Easy as 1, 2, 3. SC 2011.
       Philox-4x32 with 7 rounds, the fewest that pass BigCrush (table 2).
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, TypeVar, cast

import numba
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Words = tuple[np.uint32, np.uint32, np.uint32, np.uint32]

__all__ = ["compiled", "philox", "uniforms"]

Function = TypeVar("Function", bound="Callable[..., Any]")

TO_UNIT = np.float32(2.0**-32)

# Threads that wait for work sleep instead of spinning: beside other busy processes on 2 cores,
# training took 2.4 times the processor time with spinning threads. OpenMP reads this when the
# first parallel kernel starts.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")


def compiled(
    *, parallel: bool = False, inline: bool = False, reassociate: bool = False
) -> Callable[[Function], Function]:
    """numba.njit, its result cached on disk where the package or the user's cache is writable.

    `reassociate` leaves the order of sums to the compiler: vectors of one kind of processor give
    one order, those of another perhaps another.
    """
    options: dict[str, Any] = {"nogil": True, "error_model": "numpy", "parallel": parallel}
    options["inline"] = "always" if inline else "never"
    options["fastmath"] = {"reassoc", "contract"} if reassociate else False

    def decorate(function: Function) -> Function:
        try:
            return cast("Function", numba.njit(cache=True, **options)(function))
        except RuntimeError:  # no cache folder: compiled in every process
            return cast("Function", numba.njit(**options)(function))

    return decorate


@compiled(inline=True)
def philox(
    c0: np.uint32, c1: np.uint32, c2: np.uint32, c3: np.uint32, k0: np.uint32, k1: np.uint32
) -> Words:
    """Four uniform words from the counter (c0, c1, c2, c3) and the key (k0, k1); all uint32."""
    for _ in range(7):
        p0 = np.uint64(0xD2511F53) * np.uint64(c0)
        p1 = np.uint64(0xCD9E8D57) * np.uint64(c2)
        c0 = np.uint32(p1 >> np.uint64(32)) ^ c1 ^ k0
        c1 = np.uint32(p1)
        c2 = np.uint32(p0 >> np.uint64(32)) ^ c3 ^ k1
        c3 = np.uint32(p0)
        k0 = np.uint32(k0 + np.uint32(0x9E3779B9))
        k1 = np.uint32(k1 + np.uint32(0xBB67AE85))
    return c0, c1, c2, c3


@compiled()
def uniforms(
    seed: np.uint64, step: np.uint64, row: int, first: int, u: NDArray[np.float32]
) -> None:
    """Fill u with the uniform numbers in [0, 1] of the units first ... first + len(u) - 1.

    Unit i has word i % 4 of the counter (i // 4, row, step); `first` and ``len(u)`` are multiples
    of 4.
    """
    k0, k1 = np.uint32(seed), np.uint32(seed >> np.uint64(32))
    s0, s1 = np.uint32(step), np.uint32(step >> np.uint64(32))
    for q in range(len(u) // 4):
        r0, r1, r2, r3 = philox(np.uint32(first // 4 + q), np.uint32(row), s0, s1, k0, k1)
        u[4 * q] = np.float32(r0) * TO_UNIT
        u[4 * q + 1] = np.float32(r1) * TO_UNIT
        u[4 * q + 2] = np.float32(r2) * TO_UNIT
        u[4 * q + 3] = np.float32(r3) * TO_UNIT

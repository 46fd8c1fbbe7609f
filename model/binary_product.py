"""H Wᵀ for hidden states of 0 and 1, in half the time of a product of floats.

Four units have 16 states. The sums of W over each subset of four units are made once per
block of movies; a user's x is then one looked-up row for every four units, where a product of
floats multiplies four (the method of the four Russians [1]_). Every sum has a fixed order.

References
----------
.. [1] V. Arlazarov, E. Dinic, M. Kronrod, I. Faradzhev. On Economical Construction of the
       Transitive Closure of a Directed Graph. Soviet Mathematics Doklady 11. 1970.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from model.philox import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

__all__ = ["add_product", "aligned", "pack_states", "subset_sums"]

# Groups of four units that are looked up in one pass over x; their sums over 128 columns of W
# take 64 kB, little enough for the innermost cache.
GROUPS = 8
LINE = 16  # floats in a line of the cache


@compiled()
def pack_states(H: Floats) -> NDArray[np.uint8]:
    """H (n, J) of 0 and 1 as numbers below 16: bit j % 4 of result [r, j // 4] is H[r, j]."""
    n, J = H.shape
    packed = np.zeros((n, (J + 4 * GROUPS - 1) // (4 * GROUPS) * GROUPS), np.uint8)
    for r in range(n):
        for j in range(J):
            packed[r, j // 4] |= np.uint8(H[r, j]) << np.uint8(j % 4)
    return packed


@compiled()
def aligned(n_rows: int, n_columns: int) -> Floats:
    """Zeros that begin at a line of the cache: vectors that straddle two cost 40 % more time."""
    room = np.zeros(n_rows * n_columns + LINE, np.float32)
    skip = -(room.ctypes.data // 4) % LINE
    return room[skip : skip + n_rows * n_columns].reshape(n_rows, n_columns)


@compiled()
def subset_sums(W: Floats, unit: int, sums: Floats) -> None:
    """sums[m, c] = sum of W[c, unit + i] over the bits i of m that are 1; sums (16, >= len(W))."""
    if unit + 4 <= W.shape[1]:
        w1, w2, w4, w8 = sums[1], sums[2], sums[4], sums[8]
        for c in range(len(W)):
            w = W[c]
            w1[c], w2[c], w4[c], w8[c] = w[unit], w[unit + 1], w[unit + 2], w[unit + 3]
    else:  # bits of units that do not exist are never 1
        for j in range(unit, W.shape[1]):
            for c in range(len(W)):
                sums[1 << (j - unit), c] = W[c, j]
    for i in range(1, 4):
        highest = sums[1 << i]
        for m in range(1, 1 << i):
            lower, both = sums[m], sums[m + (1 << i)]
            for c in range(len(both)):
                both[c] = lower[c] + highest[c]


@compiled()
def add_product(packed: NDArray[np.uint8], W: Floats, sums: Floats, x: Floats) -> None:
    """x[r, c] += sum of W[c, j] over the units j that are on, for a block of columns.

    packed as of `pack_states`; W (at most L, J); x (n, L), whose columns beyond len(W) are of no
    meaning; sums (16 GROUPS, L), which is overwritten; sums[16 g] must be 0 (as `aligned` has it).
    """
    for first in range(0, packed.shape[1], GROUPS):
        for g in range(GROUPS):
            if 4 * (first + g) < W.shape[1]:
                subset_sums(W, 4 * (first + g), sums[16 * g : 16 * g + 16])
        for r in range(len(x)):
            p, total = packed[r, first : first + GROUPS], x[r]
            s0, s1, s2, s3 = sums[p[0]], sums[16 + p[1]], sums[32 + p[2]], sums[48 + p[3]]
            s4, s5, s6, s7 = sums[64 + p[4]], sums[80 + p[5]], sums[96 + p[6]], sums[112 + p[7]]
            for c in range(len(total)):
                low, high = (s0[c] + s1[c]) + (s2[c] + s3[c]), (s4[c] + s5[c]) + (s6[c] + s7[c])
                total[c] += low + high

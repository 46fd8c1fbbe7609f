"""What a reader may do with any input: read it, or refuse it in a line, soon, in little memory."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st

from data.rules import flaw

# Of one case, of the processor.
MAX_SECONDS = 5.0
# More than before the first case of a reader.
MAX_MIB = 400
MAX_MESSAGE = 1_000
# Cases of one seed: to draw a seed takes as long as most cases.
PER_SEED = 25
SEEDS = st.integers(0, 2**64)

STATUS = Path("/proc/self/status")
TOTAL = {"cases": 0, "seconds": 0.0}
START = {"mib": 0.0}


def fuzz(n_cases: int) -> settings:
    """Run a test with seeds for so many cases; the one that fails is printed with its blob."""
    return settings(
        max_examples=n_cases // PER_SEED, deadline=None, database=None, print_blob=True,
        phases=[Phase.explicit, Phase.generate], suppress_health_check=list(HealthCheck),
    )  # fmt: skip


def cases(seed: int) -> Iterator[Random]:
    """Yield a generator for each case of a seed."""
    for number in range(PER_SEED):
        yield Random(f"{seed}/{number}")  # noqa: S311 (no secret)


@contextmanager
def bounded(*refusals: type[Exception]) -> Iterator[None]:
    """Allow these errors alone, each with a message of one line."""
    began = time.process_time()
    try:
        yield
    except refusals as error:
        message = str(error)
        if not message or flaw(message, MAX_MESSAGE):
            raise AssertionError(ascii(message)) from error
    took = time.process_time() - began
    TOTAL["cases"] += 1
    TOTAL["seconds"] += took
    assert took < MAX_SECONDS
    assert peak_mib() - START["mib"] < MAX_MIB


def peak_mib() -> float:
    """The most memory that this process has had since `begin` (Linux)."""
    return int(STATUS.read_text().partition("VmHWM:")[2].split()[0]) / 1024


def begin() -> None:
    """Measure memory from here on, whatever tests before have had."""
    Path("/proc/self/clear_refs").write_text("5")
    START["mib"] = peak_mib()


def report(name: str) -> None:
    """Print what was run so far."""
    sys.stdout.write(
        f"\n{name}: {TOTAL['cases']:,} cases so far, {TOTAL['seconds']:.0f} s in readers, "
        f"peak {peak_mib():.0f} MiB (+ {peak_mib() - START['mib']:.0f})\n"
    )

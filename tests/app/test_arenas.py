"""Threads share a few arenas of malloc, in this process and in those that it starts."""

import ctypes
import os
import subprocess
import sys

import pytest

from app.core.memory import ARENAS, VARIABLE

# Each thread allocates while all others hold something: by default each would get its own arena.
PROGRAM = """
import ctypes, sys, threading
if "limited" in sys.argv:
    from app.core.memory import limit_arenas
    limit_arenas()
if "started" in sys.argv:
    import subprocess
    sys.exit(subprocess.call([sys.executable, "-c", sys.stdin.read()], stdin=None))
libc, barrier = ctypes.CDLL(None), threading.Barrier(6)
libc.malloc.restype, libc.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
def allocate():
    barrier.wait()
    for _ in range(100):
        libc.malloc(1000)
    barrier.wait()
threads = [threading.Thread(target=allocate) for _ in range(6)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
libc.fopen.restype, libc.fopen.argtypes = ctypes.c_void_p, [ctypes.c_char_p, ctypes.c_char_p]
libc.malloc_info.argtypes, libc.fclose.argtypes = [ctypes.c_int, ctypes.c_void_p], [ctypes.c_void_p]
file = libc.fopen(b"/dev/stdout", b"w")
libc.malloc_info(0, file)
libc.fclose(file)
"""


def n_arenas(*arguments: str, **variables: str) -> int:
    environment = {k: v for k, v in os.environ.items() if k != VARIABLE} | variables
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments], input=PROGRAM, env=environment,
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout.count("<heap ")


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "malloc_info"), reason="not glibc")
def test_threads_share_arenas() -> None:
    assert n_arenas() > ARENAS
    assert n_arenas("limited") <= ARENAS
    assert n_arenas("limited", "started") <= ARENAS
    assert n_arenas("limited", **{VARIABLE: "5"}) > ARENAS, "what is set counts"

"""Faults of disks and memory, under a service that goes on."""

import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.app.service_process import ServiceProcess, serving
from tests.app.world import World
from tests.faults.checker import USERS, Checker

pytestmark = [pytest.mark.slow, pytest.mark.parametrize("database", ["sqlite"], indirect=True)]

MAX_BACK_S = 15.0


@pytest.fixture
def service(world: World, tmp_path: Path) -> Iterator[ServiceProcess]:
    with serving(world.settings, tmp_path) as running:
        yield running


@pytest.fixture
def checker(service: ServiceProcess, world: World) -> Checker:
    checker = Checker(service.address, world.ratings)
    checker.mixed(1)
    return checker


def children(process: int) -> list[int]:
    text = Path(f"/proc/{process}/task/{process}/children").read_text()
    return [int(child) for child in text.split()]


def report(fault: str, seconds: float) -> None:
    sys.stdout.write(f"\n{fault}: back after {seconds:.2f} s\n")  # shown with `pytest -rP`


def assert_reading_goes_on(checker: Checker, error: str) -> None:
    refused = [checker.rate(user) for user in USERS]
    assert {(answer.status, answer.body["error"]) for answer in refused} == {(503, error)}
    for user in USERS:
        assert checker.read(user).status == checker.ratings(user).status == 200
    assert checker.anonymous().status == 200


def test_a_full_disk_stops_writes_alone(
    service: ServiceProcess, checker: Checker, world: World
) -> None:
    """No file may grow: what a full disk does to the log of SQLite, without a disk of our own."""
    path = Path(str(world.database.url.database) + "-wal")
    before = resource.prlimit(service.process.pid, resource.RLIMIT_FSIZE)
    limits = (path.stat().st_size, before[1])
    resource.prlimit(service.process.pid, resource.RLIMIT_FSIZE, limits)
    assert_reading_goes_on(checker, "DatabaseReadOnly")
    resource.prlimit(service.process.pid, resource.RLIMIT_FSIZE, before)
    seconds = checker.seconds_until_well()
    report("full disk", seconds)
    assert seconds < MAX_BACK_S


def test_a_lock_of_another_process_stops_writes_alone(checker: Checker, world: World) -> None:
    with world.database.unit_of_work():
        assert_reading_goes_on(checker, "DatabaseBusy")
    seconds = checker.seconds_until_well()
    report("lock", seconds)
    assert seconds < MAX_BACK_S


def test_a_models_folder_that_is_gone_changes_nothing(checker: Checker, world: World) -> None:
    folder = world.settings.models_dir
    aside = folder.with_name("aside")
    folder.rename(aside)
    checker.mixed(4)
    assert {answer.status for answer in checker.answers} <= {200, 201}
    assert checker.ask("GET", "/health/ready").body["model"] == "v1"
    aside.rename(folder)
    seconds = checker.seconds_until_well()
    report("models folder", seconds)
    assert seconds < MAX_BACK_S


def test_a_worker_that_is_killed_is_replaced_and_nothing_acknowledged_is_lost(
    world: World, tmp_path: Path
) -> None:
    """As the kernel kills one when memory runs out."""
    with serving(world.settings, tmp_path, RECOMMENDER_WORKERS="2") as service:
        checker = Checker(service.address, world.ratings)
        workers = serving_children(service)
        os.kill(workers[0], signal.SIGKILL)
        begin = time.monotonic()
        while len(serving_children(service)) < 2 or workers[0] in serving_children(service):
            assert time.monotonic() < begin + MAX_BACK_S
            for user in USERS:
                with suppress(OSError):  # a connection of the worker that died
                    checker.rate(user)
        seconds = checker.seconds_until_well()
        report("killed worker", time.monotonic() - begin)
        assert seconds < MAX_BACK_S


def serving_children(service: ServiceProcess) -> list[int]:
    """Processes that serve: not the one that tracks resources of multiprocessing."""
    found = children(service.process.pid)
    commands = {pid: Path(f"/proc/{pid}/cmdline").read_bytes() for pid in found}
    return [pid for pid, command in commands.items() if b"spawn_main" in command]


def test_a_service_without_memory_for_a_request_goes_on(
    service: ServiceProcess, checker: Checker
) -> None:
    """An address space that cannot grow: what is refused is refused, and the rest is right."""
    used = int(Path(f"/proc/{service.process.pid}/statm").read_text().split()[0]) * 4096
    before = resource.prlimit(service.process.pid, resource.RLIMIT_AS)
    resource.prlimit(service.process.pid, resource.RLIMIT_AS, (used, before[1]))
    for user in USERS:
        checker.read(user)
    resource.prlimit(service.process.pid, resource.RLIMIT_AS, before)
    seconds = checker.seconds_until_well()
    report("no memory", seconds)
    assert seconds < MAX_BACK_S


def test_a_clock_that_jumps_changes_no_answer(world: World, tmp_path: Path) -> None:
    """The clock of the process runs a year ahead, then back, in jumps of seconds."""
    shim = build_shim(tmp_path)
    offset = tmp_path / "offset"
    offset.write_text("0")
    with serving(
        world.settings, tmp_path, LD_PRELOAD=str(shim), TEST_CLOCK_OFFSET=str(offset)
    ) as service:
        checker = Checker(service.address, world.ratings)
        for seconds in (0, 365 * 86400, -3600, 86400, 0):
            offset.write_text(str(seconds))
            checker.mixed(2)
            assert {answer.status for answer in checker.answers} <= {200, 201}
            assert not any(answer.degraded for answer in checker.answers)
        for user in USERS:
            assert checker.ratings(user).status == 200


SHIM = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <sys/time.h>
static long offset(void) {
    long seconds = 0;
    FILE *file = fopen(getenv("TEST_CLOCK_OFFSET"), "r");
    if (file) { if (fscanf(file, "%ld", &seconds) != 1) seconds = 0; fclose(file); }
    return seconds;
}
int clock_gettime(clockid_t clock, struct timespec *now) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real) real = dlsym(RTLD_NEXT, "clock_gettime");
    int result = real(clock, now);
    if (clock == CLOCK_REALTIME) now->tv_sec += offset();
    return result;
}
int gettimeofday(struct timeval *now, void *zone) {
    static int (*real)(struct timeval *, void *);
    if (!real) real = dlsym(RTLD_NEXT, "gettimeofday");
    int result = real(now, zone);
    now->tv_sec += offset();
    return result;
}
"""


def build_shim(folder: Path) -> Path:
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("no C compiler to move the clock of a process")
    source, shim = folder / "clock.c", folder / "clock.so"
    source.write_text(SHIM)
    command = [compiler, "-shared", "-fPIC", "-o", str(shim), str(source), "-ldl"]
    subprocess.run(command, check=True)
    return shim

"""What clients see while the stack of `compose.yaml` is upgraded, broken and overloaded.

    python -m benchmarks.stack [--only upgrade rolling …] [--from COMMIT] [--json FILE] [--keep]

Needs Docker with Compose 2.24 or newer, and 6 GB of disk; 10 minutes. Runs a copy of the working
tree as a project of its own, on a free port of this machine, with the bundled sample; removes it
afterwards. In each scenario clients read and write all the time, through the proxy, and check what
was acknowledged to them:

- up         images built, the stack up; sizes of images, memory, a back-up
- upgrade    `deploy/upgrade.sh` to a version with one more migration (with `--from`, from the
             stack of that commit to this one)
- rolling    both replicas made anew, one after the other
- replica    a replica killed with -9
- killed     PostgreSQL killed with -9
- silent     PostgreSQL says nothing for 20 s
- moved      PostgreSQL comes back at another address
- overload   five times as many requests as the stack can answer

Prints a table, and exits with 1 where a promise is broken.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks import overload
from benchmarks.stack_clients import Figures, Load
from benchmarks.stack_engine import REPLICAS, Stack, until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

N_CLIENTS = 6
CALM_S = 5.0
SILENT_S = 20.0
OVERLOAD_S = 30.0
FACTOR = 5.0
CONNECTIONS = 32
# The proxy lets a request wait 5 s for a replica with room.
OVERLOAD_PATIENCE_S = 10.0
MIN_RIGHT = 0.8
MAX_RECOVERY_S = 10.0
KEY = "/var/lib/recommender/keys/admin"
REVISIONS = """if True:
    from app.cli.session import open_database, read_settings
    from app.db.schema import current, head
    with open_database(read_settings()) as database:
        print(head(), current(database))"""
BACKUPS = "/var/lib/recommender/backups"


class Moment:
    """When the service should be right again."""

    def __init__(self) -> None:
        self.at = time.monotonic()

    def now(self) -> None:
        """Count from now on."""
        self.at = time.monotonic()


class Proof:
    """The scenarios, and what they found."""

    def __init__(self, stack: Stack, seconds: float) -> None:
        self.stack, self.seconds = stack, seconds
        self.found: dict[str, Any] = {}
        self.broken: list[str] = []

    def up(self) -> None:
        """Build and start."""
        begin = time.monotonic()
        self.stack.compose("build")
        built = time.monotonic()
        self.stack.compose("up", "--detach", "--wait")
        done = time.monotonic()
        self.stack.compose("exec", "-T", "retraining", "recommender", "backup", BACKUPS)
        stored = time.monotonic()
        time.sleep(CALM_S)
        self.found["up"] = {
            "build s": built - begin, "up s": done - built, "back-up s": stored - done,
            **self.stack.sizes(),
        }  # fmt: skip
        print(json.dumps(self.found["up"], indent=2), flush=True)

    def upgrade(self, *, to_tree: bool = False) -> None:
        """Upgrade as documented."""
        if to_tree:
            self.stack.place()
        else:
            self.stack.add_migration()
        with self.under_load("upgrade"):
            self.stack.run("deploy/upgrade.sh")
        head, current = self._python(REVISIONS).split()
        self.promise("upgrade", head == current, f"the schema is {current}, not {head}")

    def rolling(self) -> None:
        """Restart both replicas."""
        with self.under_load("rolling"):
            for name in REPLICAS:
                self.stack.compose(
                    "up", "--detach", "--no-deps", "--wait", "--force-recreate", name
                )

    def replica(self) -> None:
        """Kill a replica."""
        with self.under_load("replica", may_fail=N_CLIENTS) as moment:
            moment.now()
            self.stack.crash("service-a")

    def killed(self) -> None:
        """Kill the database."""
        with self.under_load("killed", may_refuse=True) as moment:
            self.stack.crash("database")
            moment.now()

    def silent(self) -> None:
        """Let the database say nothing for a while."""
        with self.under_load("silent", may_refuse=True) as moment:
            self.stack.compose("pause", "database")
            time.sleep(SILENT_S)
            self.stack.compose("unpause", "database")
            moment.now()

    def moved(self) -> None:
        """Give the database another address."""
        with self.under_load("moved", may_refuse=True) as moment:
            before, after = self.stack.move("database", "database")
            moment.now()
        self.promise("moved", before != after, "the address is the same")

    def overload(self) -> None:
        """Ask for five times as much as can be answered."""
        load = Load(self.stack.port, self._key(), 0)
        with overload.first_of_all():
            asker = Asker(load, *self.stack.address("proxy", "public"))
            figures = asyncio.run(_overload(asker, self.seconds))
        self.found["overload"] = figures
        share, normal = figures["right, of capacity"], figures["normal after s"]
        self.promise("overload", share >= MIN_RIGHT, f"{share:.0%} of capacity answered right")
        self.promise("overload", normal <= MAX_RECOVERY_S, f"normal after {normal:.1f} s")
        wrong = figures["no or wrong answer"]
        self.promise("overload", wrong == 0, f"{wrong} requests without a right answer or a 503")

    @contextmanager
    def under_load(
        self, name: str, may_fail: int = 0, *, may_refuse: bool = False
    ) -> Iterator[Moment]:
        """Let clients ask from before what happens until all is well again; judge what they saw."""
        load = Load(self.stack.port, self._key(), N_CLIENTS)
        begin = time.monotonic()
        with load:
            time.sleep(CALM_S)
            moment = Moment()
            yield moment
            until(self.stack.is_whole)
            whole = time.monotonic() - moment.at
            time.sleep(CALM_S)
        figures = load.figures(moment.at)
        self.found[name] = {
            "seconds": time.monotonic() - begin, "whole again s": whole, **figures._asdict()
        }  # fmt: skip
        self._judge(name, figures, may_fail, may_refuse=may_refuse)

    def _judge(self, name: str, figures: Figures, may_fail: int, *, may_refuse: bool) -> None:
        print(f"{name}: {figures}", flush=True)
        self.promise(name, figures.failed <= may_fail, f"{figures.failed} requests failed")
        self.promise(name, figures.lost == 0, f"{figures.lost} acknowledged ratings are lost")
        if may_refuse:
            late = figures.recovered_s
            self.promise(name, late <= MAX_RECOVERY_S, f"right again only after {late:.1f} s")
        else:
            self.promise(name, figures.refused == 0, f"{figures.refused} requests were refused")

    def promise(self, name: str, holds: bool, otherwise: str) -> None:  # noqa: FBT001
        """Note what was promised and is not so."""
        if not holds:
            self.broken.append(f"{name}: {otherwise}")

    def _key(self) -> str:
        return self.stack.compose("exec", "-T", REPLICAS[0], "cat", KEY)

    def _python(self, code: str) -> str:
        return self.stack.compose("exec", "-T", REPLICAS[1], "python", "-c", code)


class Asker(overload.Client):
    """Asks for lists of the users that there are."""

    def __init__(self, load: Load, host: str, port: int) -> None:
        super().__init__(port, load.key, OVERLOAD_PATIENCE_S, host)
        self.users, self.movies = load.users, load.movies

    def _request(self, kind: str) -> bytes:
        user, movie = self._random.choice(self.users), self._random.choice(self.movies)
        body = b""
        match kind:
            case "cold":
                line = f"GET /recommendations/{user}?limit=20&exclude={10**8 + next(self._numbers)}"
            case "cached":
                line = f"GET /recommendations/{self.users[0]}?limit=20"
            case "write":
                line, body = f"PUT /users/proof/ratings/{movie}", b'{"liked": true}'
            case _:
                line = "GET /health/live"
        head = (
            f"{line} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {self.key}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body


async def _overload(asker: Asker, seconds: float) -> dict[str, float]:
    await asker.send_in_turn(CONNECTIONS, min(seconds, 5))  # warms up
    capacity = await asker.send_in_turn(CONNECTIONS, min(seconds, 20))
    half = await asker.send_at({"cold": capacity / 2, **overload.BESIDE}, seconds / 2)
    usual = overload.figures_of(half, capacity, seconds / 2)["accepted p50 ms"] / 1000
    answers = await asker.send_at({"cold": FACTOR * capacity, **overload.BESIDE}, seconds)
    figures = overload.figures_of(answers, capacity, seconds)
    figures["client: late p99 ms"] = 1000 * float(np.percentile(asker.late, 99))
    figures["normal after s"] = await asker.until_normal(usual)
    return {"capacity per s": capacity, **figures}


def table(found: dict[str, Any]) -> str:
    """Return the figures as text."""
    titles = (
        "requests",
        "refused",
        "failed",
        "lost",
        "slowest s",
        "right after s",
        "whole after s",
    )
    lines = [f"{'':10}{'seconds':>9}" + "".join(f"{title:>15}" for title in titles)]
    for name, row in found.items():
        if "requests" in row:
            lines.append(
                f"{name:10}{row['seconds']:9.0f}{row['requests']:15}{row['refused']:15}"
                f"{row['failed']:15}{row['lost']:15}{row['slowest_s']:15.2f}"
                f"{row['recovered_s']:15.1f}{row['whole again s']:15.1f}"
            )
    for name in ("up", "overload"):
        lines += [f"{name}: {key} {value}" for key, value in found.get(name, {}).items()]
    return "\n".join(lines)


def main() -> int:
    """Run the scenarios, print the table, write the JSON."""
    names = ["upgrade", "rolling", "replica", "killed", "silent", "moved", "overload"]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", choices=names, default=names)
    parser.add_argument("--from", dest="commit", help="upgrade from the stack of this commit")
    parser.add_argument("--seconds", type=float, default=OVERLOAD_S, help="of the overload")
    parser.add_argument("--set", nargs="+", default=[], metavar="NAME=VALUE", help="as in .env")
    parser.add_argument("--log", type=Path, default=Path(tempfile.gettempdir()) / "stack.log")
    parser.add_argument("--json", type=Path, help="file for the figures")
    parser.add_argument("--keep", action="store_true", help="leave the stack as it is at the end")
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="stack-"))
    settings = dict(each.split("=", 1) for each in arguments.set)
    stack = Stack(folder, arguments.log, settings)
    proof = Proof(stack, arguments.seconds)
    stack.place(arguments.commit)
    try:
        stack.down()
        proof.up()
        for scenario in arguments.only:
            print(f"{scenario} …", flush=True)
            run: Callable[..., None] = getattr(proof, scenario)
            run(to_tree=True) if scenario == "upgrade" and arguments.commit else run()
    finally:
        if arguments.keep:
            print(f"left running, from {folder}; the commands are in {arguments.log}")
        else:
            stack.down()
            shutil.rmtree(folder)
    print(table(proof.found))
    for line in proof.broken:
        print(f"broken: {line}")
    if arguments.json:
        figures = {**proof.found, "broken": proof.broken}
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n")
    return 1 if proof.broken else 0


if __name__ == "__main__":
    sys.exit(main())

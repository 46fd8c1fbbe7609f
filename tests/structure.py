"""The structure of `app/` in figures; `python -m tests.structure` prints them."""

import ast
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from types import FrameType
from typing import Any, NamedTuple

from fastapi.testclient import TestClient

from app.config import Settings
from app.db.engine import Database
from app.main import create_app
from tests.app.world import (
    MOVIE_IDS,
    add_movies,
    add_ratings,
    draw_ratings,
    make_rbm,
    publish,
)
from tests.migrated import migrate

ROOT = Path(__file__).parent.parent
APP = ROOT / "app"
SOURCES = ("app", "model", "data")

# Each package, and each module at the top of `app/`, may import those before it, and none behind.
ORDER = (
    "config", "core", "db", "store", "auth", "http", "audit", "live", "registry", "movies",
    "ratings", "events", "feedback", "users", "jobs", "datasets", "recommendations", "scenarios",
    "experiments", "nightly", "features", "evaluation", "training", "backup", "web", "admin",
    "services", "main", "cli", "__main__",
)  # fmt: skip


class Import(NamedTuple):
    """An import between two packages of `app/`."""

    path: Path
    importing: str
    imported: str


def files() -> list[Path]:
    """All files of `app/`."""
    return sorted(APP.rglob("*.py"))


def imports() -> Iterator[Import]:
    """All imports between packages of `app/`, those within functions too."""
    for path in files():
        importing = path.relative_to(APP).parts[0].removesuffix(".py")
        for node in ast.walk(ast.parse(path.read_text())):
            for name in _imported(node):
                parts = name.split(".")
                if parts[0] == "app" and len(parts) > 1 and parts[1] != importing:
                    yield Import(path, importing, parts[1])


def circles() -> list[tuple[str, str]]:
    """Pairs of packages of which each imports the other, maybe through further ones."""
    reached: dict[str, set[str]] = {}
    for _, importing, imported in imports():
        reached.setdefault(importing, set()).add(imported)
    for _ in ORDER:  # no way is longer
        for direct in reached.values():
            direct.update(*(reached.get(package, set()) for package in set(direct)))
    return [(a, b) for a in reached for b in reached[a] if a <= b and a in reached.get(b, set())]


def files_of_a_cache_miss() -> list[str]:
    """Files of which a function runs while one `GET /recommendations/{user}` is answered anew."""
    seen: set[str] = set()

    def note(frame: FrameType, event: str, _: Any) -> None:
        if event == "call":
            seen.add(frame.f_code.co_filename)

    with tempfile.TemporaryDirectory() as folder:
        settings = _world(Path(folder))
        threading.setprofile(note)  # of the threads that are started from here on
        try:
            with TestClient(create_app(settings), base_url="http://127.0.0.1:8000") as client:
                client.get("/recommendations/1?limit=5")
                seen.clear()
                client.get("/recommendations/2?limit=5")
                found = set(seen)
        finally:
            threading.setprofile(None)
    roots = tuple(f"{ROOT / package}/" for package in SOURCES)
    return sorted(str(Path(name).relative_to(ROOT)) for name in found if name.startswith(roots))


def figures() -> dict[str, float]:
    """The figures of `docs/architecture.md`."""
    lengths = [len(path.read_text().splitlines()) for path in files()]
    functions = [
        (node.end_lineno or 0) - node.lineno + 1
        for path in files()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    return {
        "files of app/": len(lengths),
        "files at the top of app/": len(list(APP.glob("*.py"))),
        "circles of packages": len(circles()),
        "files on the way of a cache miss": len(files_of_a_cache_miss()),
        "lines of app/": sum(lengths),
        "lines of a file, median": median(lengths),
        "lines of a function, median": median(functions),
    }


def _imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.module:
        return [f"{node.module}.{alias.name}" for alias in node.names]
    return []


def _world(folder: Path) -> Settings:
    """Make a database and a model."""
    url = f"sqlite:///{folder / 'recommender.db'}"
    migrate(url)
    settings = Settings(database_url=url, models_dir=folder / "models")
    database = Database(url)
    add_movies(database, MOVIE_IDS)
    add_ratings(database, draw_ratings())
    publish(database, settings.models_dir, "v1", make_rbm(seed=1))
    database.dispose()
    return settings


if __name__ == "__main__":
    for name, value in figures().items():
        sys.stdout.write(f"{name:<34} {value:g}\n")
    sys.stdout.write("\n".join(["", "the way of a cache miss:", *files_of_a_cache_miss(), ""]))

"""The service against its own OpenAPI document: thousands of requests that nobody thought of."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import delete, update

from app.auth.scopes import Scope
from app.auth.service import create_key
from app.db.tables import active_model, model_versions
from tests.app.service_process import serving
from tests.app.world import World, publish

# A word that looks like a cursor, but was never given, is refused; no schema can say which are.
# Nor can it say which genres, attributes and movies there are, which bytes are the archive of a
# model, or which key came with another body.
# `null` is no body to FastAPI, and the options of pruning and of a training may be left out.
CONFIGURATION = """
checks.negative_data_rejection.expected-statuses = ["4xx", "5xx"]

[parameters]
"query.cursor" = ""
"body.cursor" = ""
"query.attribute" = []
"body.attribute" = []

[[operations]]
include-path = "/models/import"
checks.positive_data_acceptance.expected-statuses = ["2xx", 409, 422]

[[operations]]
include-path-regex = "^/(models/prune|training-runs)$"
checks.negative_data_rejection.expected-statuses = ["4xx", "5xx", 200, 202]

[[operations]]
include-name = "PUT /movies/{movie}"
checks.positive_data_acceptance.expected-statuses = ["2xx", 404, 409, 422]

[[operations]]
include-name-regex = "^(PUT /(scenarios|experiments)/|POST /(rank|movies)$|PATCH|GET /feedback/)"
checks.positive_data_acceptance.expected-statuses = ["2xx", 404, 409, 422]

[[operations]]
include-name-regex = "^POST /(users/{user}/ratings|events|feedback)$"
checks.positive_data_acceptance.expected-statuses = ["2xx", 409, 422]
"""
HOOKS = Path(__file__).parent / "fuzz_hooks.py"
SHORT = {"--max-examples": "4", "--phases": "examples,fuzzing"}
LONG = {"--max-examples": "250", "--phases": "examples,fuzzing,stateful"}


def fuzz(world: World, folder: Path, options: dict[str, str]) -> int:
    """Let schemathesis try the service with every check that it has; return how often it did."""
    # A version as the service names them, alone: what is listed is also asked for.
    publish(world.database, world.settings.models_dir, "20261120T101500Z-3f2a", world.rbm)
    with world.database.unit_of_work() as connection:
        connection.execute(update(active_model).values(previous=None))
        connection.execute(delete(model_versions).where(model_versions.c.version == "v1"))
    key = create_key(world.database, [Scope.ADMIN], "fuzzing").text
    (folder / "schemathesis.toml").write_text(CONFIGURATION)
    # What the page for people may ask without a key would be taken for a hole.
    variables = {"RECOMMENDER_KEY_RATE_LIMIT": "0", "RECOMMENDER_PUBLIC_PAGE": "false"}
    with serving(world.settings, folder, **variables) as running:
        finished = subprocess.run(
            [
                sys.executable, "-m", "schemathesis.cli", "run", f"{running.address}/openapi.json",
                "--checks", "all", "--seed", "1", "--generation-database", "none", "--no-color",
                "--header", f"Authorization: Bearer {key}",
                *(part for option in options.items() for part in option),
            ],
            cwd=folder,
            env={**os.environ, "SCHEMATHESIS_HOOKS": str(HOOKS)},
            capture_output=True,
            text=True,
            check=False,
        )  # fmt: skip
        assert finished.returncode == 0, finished.stdout + running.log.read_text()[-2000:]
    (n_cases,) = re.findall(r"(\d+) generated", finished.stdout)
    return int(n_cases)


def test_no_request_makes_the_service_fail_or_answer_what_it_does_not_document(
    world: World, tmp_path: Path
) -> None:
    assert fuzz(world, tmp_path, SHORT) >= 150


@pytest.mark.slow
def test_thousands_of_requests_make_nothing_fail(world: World, tmp_path: Path) -> None:
    assert fuzz(world, tmp_path, LONG) >= 5000

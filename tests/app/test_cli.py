"""The command as people run it: real processes, a folder of their own."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import pytest

from tests.app.command_line import runner

# No server listens there: a download fails at once, as without network.
NO_NETWORK = {"RECOMMENDER_DATASETS_URL": "http://127.0.0.1:9/"}
# Where `runner` has them.
PLACES = {
    "RECOMMENDER_DATABASE_URL": "sqlite:///own.db", "RECOMMENDER_MODELS_DIR": "models",
    "RECOMMENDER_DATASETS_DIR": "datasets",
}  # fmt: skip
Here = Callable[..., str]
TRAIN_SHORTLY = ["train", "--epochs", "3", "--hidden", "8"]


def environment(**settings: str) -> dict[str, str]:
    """Ours without its own settings of the service, and with these."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("RECOMMENDER_")}
    return {**inherited, **NO_NETWORK, "COLUMNS": "200", **settings}


def run(folder: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "app", *arguments],
        cwd=folder,
        env=environment(**settings),
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


def succeed(folder: Path, *arguments: str, **settings: str) -> str:
    finished = run(folder, *arguments, **settings)
    assert finished.returncode == 0, finished.stderr
    return finished.stdout


def get(address: str) -> Any:
    with urllib.request.urlopen(address, timeout=10) as answer:  # noqa: S310 (loopback)
        return json.load(answer)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the sample was imported and a small model trained."""
    folder = tmp_path_factory.mktemp("installation")
    succeed(folder, "import", "sample", **PLACES)
    succeed(folder, *TRAIN_SHORTLY, **PLACES)
    return folder


@pytest.fixture
def here(
    trained: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Here:
    """Run commands there, in this process; they succeed."""
    run_here = runner(trained, monkeypatch, capsys)

    def succeed_here(*arguments: str) -> str:
        finished = run_here(*arguments)
        assert finished.code == 0, finished.err
        return finished.out

    return succeed_here


def test_help_names_every_command(tmp_path: Path) -> None:
    text = succeed(tmp_path, "--help")
    for command in ("demo", "db", "import", "train", "models", "recommend", "serve"):
        assert command in text
    assert not any(tmp_path.iterdir()), "asking for help must not make anything"


def test_prepare_does_only_what_is_still_to_do(here: Here, trained: Path) -> None:
    models = sorted((trained / "models").iterdir())
    assert "Data set sample and model" in here("prepare")
    assert sorted((trained / "models").iterdir()) == models


def test_training_prints_the_figures_with_their_errors(here: Here) -> None:
    text = here(*TRAIN_SHORTLY)
    assert "ndcg@100" in text
    assert "±" in text
    assert "times that of popularity" in text
    assert "SAMPLE" in text


def test_models_are_listed_with_the_active_one_marked(here: Here) -> None:
    listed = json.loads(here("models", "list", "--json"))
    assert sum(model["active"] for model in listed) == 1
    assert listed[0]["dataset"] == "sample"
    assert 0 < listed[0]["ndcg_at_100"] < 1
    assert listed[0]["version"] in here("models", "list")


def test_recommendations_are_shown_in_the_terminal(here: Here) -> None:
    text = here("recommend", "1", "--limit", "5")
    assert "Recommendations for 1" in text
    assert "invented ratings" in text
    answer = json.loads(here("recommend", "1", "--limit", "5", "--json"))
    assert [item["title"] for item in answer["items"] if item["title"] not in text] == []
    assert answer["source"] == "rbm"


def test_evaluation_compares_models_and_writes_json_and_report(here: Here, trained: Path) -> None:
    options = ["--models", "popularity,ease", "--json", "e.json", "--report", "e.html"]
    text = here("evaluate", "sample", *options)
    assert "ease" in text
    assert "±" in text
    result = json.loads((trained / "e.json").read_text())
    assert [row["model"] for row in result["results"]] == ["popularity", "ease"]
    assert result["protocol"]["splits"][0]["sha256"]["test_hidden"]
    assert "SAMPLE" in (trained / "e.html").read_text().upper()


def test_a_published_model_is_judged_again_on_its_gate_users(here: Here, trained: Path) -> None:
    (listed, *_) = json.loads(here("models", "list", "--json"))
    here("evaluate", "--model", listed["version"], "--json", "m.json")
    rows = {row["model"]: row for row in json.loads((trained / "m.json").read_text())["results"]}
    figure = rows["rbm"]["metrics"]["ndcg@100"]["mean"]
    assert figure == pytest.approx(listed["ndcg_at_100"], abs=1e-4)


def test_importing_the_same_again_changes_nothing(here: Here) -> None:
    assert "is in the database already" in here("import", "sample")


def test_a_failure_is_one_line_and_a_non_zero_exit(tmp_path: Path) -> None:
    finished = run(tmp_path, "models", "list")
    assert finished.returncode == 2
    assert "run `recommender db upgrade`" in finished.stderr
    assert finished.stderr.count("\n") == 1
    assert not any(tmp_path.iterdir())


def test_debug_shows_the_traceback(tmp_path: Path) -> None:
    assert "Traceback" in run(tmp_path, "--debug", "import", "nowhere.csv").stderr


class Service:
    """`recommender demo` in a process, until it has said where it serves."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self.output = folder / "demo.log"
        started = time.monotonic()
        with self.output.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "app", "demo"],
                cwd=folder,
                env=environment(RECOMMENDER_PORT=str(self.port)),
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        while f"Serving on {self.address}" not in self.output.read_text():
            assert self.process.poll() is None, self.output.read_text()
            assert time.monotonic() < started + 240
            time.sleep(0.05)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=30)


def test_demo_without_network_falls_back_to_the_sample_and_serves(tmp_path: Path) -> None:
    with Service(tmp_path) as service:
        text = service.output.read_text()
        assert "bundled SAMPLE" in text
        assert "curl" in text
        movies = get(f"{service.address}/recommendations/1?limit=20")["items"]
        rated = get(f"{service.address}/users/1/ratings?limit=1000")["items"]
        assert len(movies) == 20
        assert not {f["movie_id"] for f in movies} & {r["movie_id"] for r in rated}
    assert service.process.returncode in (0, -signal.SIGTERM)
    with Service(tmp_path) as again:
        text = again.output.read_text()
        assert "are there already" in text
        assert "bundled SAMPLE" in text, "every place that shows a result says so"
        assert get(f"{again.address}/recommendations/1?limit=20")["items"] == movies

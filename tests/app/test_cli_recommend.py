"""`recommender recommend` has the options of the API, and shows the same list."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from typer.main import get_command

from app.cli import main as cli
from app.cli import output
from app.config import Settings
from app.db.engine import Database
from app.main import create_app
from app.recommendations.options import RecommendationsQuery
from app.recommendations.schemas import Recommendations
from tests.app.command_line import Finished, Run, runner
from tests.app.conftest import ADDRESS
from tests.app.world import activate


@pytest.fixture(scope="module")
def client(filled: Path) -> Iterator[TestClient]:
    """The API over the same folder."""
    settings = Settings(database_url=f"sqlite:///{filled / 'own.db'}", models_dir=filled / "models")
    with TestClient(create_app(settings), base_url=ADDRESS) as client:
        yield client


@pytest.fixture
def run(filled: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    return runner(filled, monkeypatch, capsys)


def test_each_parameter_of_the_api_is_an_option_with_its_description(run: Run) -> None:
    shown = " ".join(run("recommend", "--help").out.replace("│", " ").split())
    for name, field in RecommendationsQuery.model_fields.items():
        assert f"--{name.replace('_', '-')} " in shown
        assert str(field.description or "Reasons per movie").replace("`", "") in shown
    for part in ("(1 to 100) [default: 20]", "rank|sample", "--json"):
        assert part in shown


@pytest.mark.parametrize(
    ("options", "query"),
    [
        ("", ""),
        ("--limit 3 --explain 0", "limit=3&explain=0"),
        ("--genre drama --genre Comedy", "genre=drama&genre=Comedy"),
        ("--exclude-genre Drama", "exclude_genre=Drama"),
        ("--year-from 1960 --year-to 1985", "year_from=1960&year_to=1985"),
        ("--exclude 10 --exclude 20", "exclude=10&exclude=20"),
        ("--min-ratings 3", "min_ratings=3"),
        ("--mode sample --seed 7", "mode=sample&seed=7"),
        ("--diversity 0.5", "diversity=0.5"),
    ],
)
def test_the_list_is_that_of_the_api(
    run: Run, client: TestClient, options: str, query: str
) -> None:
    expected = client.get(f"/recommendations/1?{query}").json()
    finished = run("recommend", "1", *options.split(), "--json")
    assert json.loads(finished.out) == expected
    table = run("recommend", "1", *options.split()).out
    for item in expected["items"]:
        assert item["title"] in table
    assert ("no movie is left" in table) == (not expected["items"])


def test_the_next_page_is_reached_by_its_cursor(run: Run) -> None:
    first = json.loads(run("recommend", "1", "--limit", "2", "--json").out)
    arguments = ("recommend", "1", "--limit", "2", "--cursor", first["next"], "--json")
    second = json.loads(run(*arguments).out)
    assert not {item["movie_id"] for item in first["items"]} & {
        item["movie_id"] for item in second["items"]
    }


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ("--limit 0", "--limit: 0: Input should be greater than or equal to 1"),
        ("--limit many", "--limit: many: Input should be a valid integer"),
        ("--year-from 99999", "--year-from: 99999: Input should be less than or equal to 9999"),
        ("--exclude 10 --exclude search", "--exclude: 'search' is no movie key ("),
        ("--mode best", "--mode: best: Input should be 'rank' or 'sample'"),
        ("--diversity nan", "--diversity: nan: "),
        ("--genre=", "--genre: : String should have at least 1 character"),
        ("--cursor abc", "query.cursor: this is no cursor of this list"),
        ("--gnere Drama", "No such option: --gnere"),
    ],
)
def test_a_wrong_option_is_refused_by_name_and_value(run: Run, options: str, reason: str) -> None:
    finished: Finished = run("recommend", "1", *options.split())
    assert finished.code == 2
    (line,) = finished.err.splitlines()
    assert reason in line


def test_why_a_list_is_not_personal_is_said(
    tmp_path: Path,
    filled: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    shutil.copytree(filled, tmp_path, dirs_exist_ok=True)
    database = Database(f"sqlite:///{tmp_path / 'own.db'}")
    activate(database, None)
    database.dispose()
    run = runner(tmp_path, monkeypatch, capsys)
    assert "Recommendations for 1 (popular movies: no model)" in run("recommend", "1").out


def test_the_seed_of_a_sampled_list_is_shown_so_that_it_can_be_repeated(run: Run) -> None:
    assert "(seed 7)" in run("recommend", "1", "--mode", "sample", "--seed", "7").out


def test_it_is_said_what_a_sample_has_changed(capsys: pytest.CaptureFixture[str]) -> None:
    head = {"user": "1", "recommendation_id": "x", "model": None, "source": "rbm", "reason": None}
    draw = {"more": [{"genre": "War", "times": 1.44}], "less": [{"genre": "Drama", "times": 0.8}]}
    sampled: dict[str, Any] = {**head, "seed": 7, "draw": draw, "items": [], "next": None}
    output.show_recommendations(Recommendations.model_validate(sampled), None)
    said = capsys.readouterr().out
    assert "This sample has more War (1.4 ×), less Drama (0.8 ×) than the ranked list." in said


def test_the_version_is_shown(run: Run) -> None:
    assert run("--version").out.split()[0] == "recommender"
    assert get_command(cli.app).name == "recommender"

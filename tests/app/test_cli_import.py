"""`recommender import`: what it says, and how it ends."""

from pathlib import Path

import pytest

from app.cli import output
from app.datasets.movies import Change
from app.db.engine import Database
from tests.app.command_line import Run, runner
from tests.app.world import MOVIE_IDS, make_rbm, publish

LOG = "user,movie,rating,timestamp\nann,sku-1,4,1000\nbob,sku-2,2,1001\n"
MOVIES = "movie,title,year,studio\nsku-1,Heat,1995,Warner\nsku-2,Alien,1979,Fox\n"


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    (tmp_path / "log.csv").write_text(LOG)
    return runner(tmp_path, monkeypatch, capsys)


def test_it_says_what_is_new_and_what_has_changed(run: Run, tmp_path: Path) -> None:
    assert run("import", "log.csv").out.splitlines() == [
        "log imported: 2 ratings of 2 movies by 2 users.",
        "New: 2 users, 2 movies, 2 ratings.",
    ]
    assert run("import", "log.csv").out.startswith("log is in the database already: 2 ratings")
    (tmp_path / "log.csv").write_text(f"{LOG}zoe,sku-1,5,1002\n".replace("4,1000", "1,2000"))
    assert run("import", "log.csv").out.splitlines()[1] == (
        "New: 1 users, 0 movies, 1 ratings; changed: 1 ratings."
    )


def test_bad_rows_are_counted_and_written_to_a_file(run: Run, tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text(LOG + "zoe,sku-1,nine,1002\n")
    refused = run("import", "log.csv")
    assert (refused.code, refused.out) == (2, "")
    assert "log.csv, line 4" in refused.err
    done = run("import", "log.csv", "--skip-bad", "1", "--bad-rows", "bad.csv")
    assert done.code == 0
    assert "Skipped: 1 of 3 rows, which are in bad.csv: log.csv, " in done.out
    assert "zoe" in (tmp_path / "bad.csv").read_text()


def test_what_differs_is_listed_and_taken_only_when_told_so(run: Run, tmp_path: Path) -> None:
    (tmp_path / "movies.csv").write_text(MOVIES)
    assert run("import", "log.csv").code == 0
    (tmp_path / "movies.csv").write_text(MOVIES.replace("Alien", "Aliens").replace("Fox", "MGM"))
    refused = run("import", "log.csv")
    listed = [
        "movie 'sku-2': title 'Alien' -> 'Aliens'",
        "movie 'sku-2': studio 'Fox' -> 'MGM'",
    ]
    assert refused.code == 2
    *changes, line = refused.err.splitlines()
    assert changes == listed
    assert line.startswith("recommender: the file describes 1 movie otherwise than the database")
    taken = run("import", "log.csv", "--accept-titles")
    assert taken.code == 0
    assert taken.out.splitlines()[1:] == [
        "New: 0 users, 0 movies, 0 ratings; changed: 1 movies.",
        *listed,
    ]


def test_only_ten_of_many_changes_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    output.show_changes([Change(number, "year", 1995, 1996) for number in range(12)], output.say)
    lines = capsys.readouterr().out.splitlines()
    assert (len(lines), lines[-1]) == (11, "… and 2 more")


def test_a_replacement_is_announced_and_everybody_agrees_about_the_model(
    run: Run, tmp_path: Path
) -> None:
    assert run("import", "log.csv").code == 0
    database = Database(f"sqlite:///{tmp_path / 'own.db'}")
    publish(database, tmp_path / "models", "v1", make_rbm(1, MOVIE_IDS))
    database.dispose()
    replaced = run("import", "log.csv", "--replace")
    assert replaced.code == 0, "nobody is asked without a terminal"
    assert "Model v1 is deactivated: 40 of its 40 movies are gone" in replaced.out
    assert replaced.out.index("deactivated") < replaced.out.index("log imported")
    assert "No model is active" in run("models", "list").out
    refused = run("models", "rollback")
    assert refused.code == 2
    assert "40 of its 40 movies are not in the catalogue" in refused.err
    lines = [f"ann,{movie},4,1000" for movie in MOVIE_IDS]
    (tmp_path / "log.csv").write_text("user,movie,rating,timestamp\n" + "\n".join(lines) + "\n")
    assert run("import", "log.csv").code == 0
    assert run("models", "rollback").out == "Model v1 is active again.\n"


def test_no_is_an_answer(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run("import", "log.csv").code == 0
    monkeypatch.setattr(type(output.out), "is_terminal", True)
    refused = run("import", "log.csv", "--replace")
    assert refused.code == 1
    assert refused.err.endswith("aborted, nothing is changed\n")


def test_a_wrong_way_to_read_a_file_is_one_line(run: Run, tmp_path: Path) -> None:
    for options, message in (
        (("--map", "user"), "'user' is no pair as a=b"),
        (("--scale", "ten"), "'ten' is no scale as 0:10"),
        (("--skip-bad", "some"), "skip_bad 'some'"),
        (("--mapping", "none.toml"), "none.toml cannot be read"),
        (("--kind", "bought"), "'bought' is no kind"),
    ):
        refused = run("import", "log.csv", *options)
        assert refused.code == 2
        assert message in refused.err
        assert refused.err.count("\n") == 1
    assert not (tmp_path / "own.db").exists()

"""Four shapes of data go in as they are: imported, trained on, served, exported."""

import json
import sys
from collections.abc import Callable, Iterator
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import NamedTuple

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import update

from app.config import Settings
from app.datasets.contents import Content
from app.datasets.export import rows
from app.datasets.service import import_release, read_release
from app.db.engine import Database
from app.db.tables import installation
from app.events.rule import Rule
from data.mapping import Mapping
from data.movie_keys import MovieKey
from tests.app.trainings import train_briefly
from tests.model.planted import planted

SHORT = {"n_epochs": 1, "n_hidden": 4}
BEGIN = 1_767_225_600  # 2026-01-01
PEOPLE = planted(300, 40)


class Shape(NamedTuple):
    """A file, how to read it, and the opinions that it says: (user, movie) → stars or like."""

    source: str
    mapping: Mapping | None
    opinions: dict[tuple[str, MovieKey], float | bool]
    content: Content
    n_rows: int


def opinions() -> Iterator[tuple[int, int, bool]]:
    for row in range(PEOPLE.n_users):
        movie_rows, liked = PEOPLE.user(row)
        yield from (
            (row, int(movie) + 1, bool(like)) for movie, like in zip(movie_rows, liked, strict=True)
        )


def event_log(folder: Path) -> Shape:
    """A store's: keys are texts, views are repeated, and what was bought is liked."""
    lines = ["event_id,user,movie,kind,timestamp"]
    liked: dict[tuple[str, MovieKey], float | bool] = {}
    for number, (user, movie, like) in enumerate(opinions()):
        who, what = f"kunde {user}", f"sku-{movie}"
        viewed = f"{who},{what},clicked,{BEGIN + number}"
        lines += [f"v{number}.1,{viewed}", f"v{number}.2,{viewed}"]
        if like:
            lines.append(f"b{number},{who},{what},purchased,{BEGIN + number + 5}")
            liked[who, what] = True
    path = folder / "log.csv"
    path.write_text("\n".join(lines) + "\n")
    return Shape(str(path), None, liked, Content.EVENTS, len(lines) - 1)


def movielens(folder: Path) -> Shape:
    """A release by its name."""
    release = folder / "datasets" / "ml-latest-small"
    release.mkdir(parents=True)
    said: dict[tuple[str, MovieKey], float | bool] = {
        (str(user + 1), movie): 4.5 if like else 2.0 for user, movie, like in opinions()
    }
    lines = [f"{user},{movie},{stars},{BEGIN}" for (user, movie), stars in said.items()]
    text = "userId,movieId,rating,timestamp\n" + "\n".join(lines) + "\n"
    (release / "ratings.csv").write_text(text)
    movies = [f"{movie + 1},Film {movie} (1999),Drama|War" for movie in range(PEOPLE.n_movies)]
    (release / "movies.csv").write_text("movieId,title,genres\n" + "\n".join(movies) + "\n")
    return Shape("ml-latest-small", None, said, Content.RATINGS, len(said))


def semicolons(folder: Path) -> Shape:
    """Scores from 0 to 10 under names of its own, of which 7 and more are likes."""
    said: dict[tuple[str, MovieKey], float | bool] = {}
    lines = ["Kunde;Artikel;Note;wann;Filiale"]
    for user, movie, like in opinions():
        lines.append(f"Ж{user};tt{movie};{10 if like else 0};2026-01-01T00:00:00Z;Ost")
        said[f"Ж{user}", f"tt{movie}"] = 5.0 if like else 0.5
    path = folder / "noten.csv"
    path.write_text("\n".join(lines) + "\n")
    columns = "user=Kunde,movie=Artikel,rating=Note,timestamp=wann"
    mapping = Mapping().with_options(columns=columns, scale="0:10", like_from=7.0, delimiter=";")
    return Shape(str(path), mapping, said, Content.RATINGS, len(said))


def json_lines(_: Path) -> Shape:
    """Likes and dislikes on standard input."""
    said: dict[tuple[str, MovieKey], float | bool] = {
        (f"user {user}", movie): like for user, movie, like in opinions()
    }
    lines = [
        json.dumps({"user": user, "movie": movie, "liked": like, "timestamp": BEGIN})
        for (user, movie), like in said.items()
    ]
    sys.stdin = TextIOWrapper(BytesIO(("\n".join(lines) + "\n").encode()))
    return Shape("-", Mapping(format="jsonl"), said, Content.RATINGS, len(said))


@pytest.mark.parametrize("write", [event_log, movielens, semicolons, json_lines])
def test_a_shape_goes_in_is_trained_on_served_and_comes_out(
    database: Database,
    settings: Settings,
    connect_to: Callable[..., TestClient],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    write: Callable[[Path], Shape],
) -> None:
    monkeypatch.setattr(sys, "stdin", sys.stdin)  # given back afterwards
    shape = write(tmp_path)
    settings = settings.model_copy(update={"datasets_dir": tmp_path / "datasets"})
    release = read_release(settings, shape.source, shape.mapping)
    import_release(database, release, rule=Rule.of(settings.event_rule))
    with database.unit_of_work() as connection:  # the same people in the gate set each time
        connection.execute(update(installation).values(holdout_salt="a test's"))
    version = train_briefly(database, settings.models_dir, SHORT).version
    client = connect_to(settings)
    user, movie = next(iter(shape.opinions))
    answer = client.get(f"/recommendations/{user}?limit=100").json()
    assert (answer["source"], answer["model"]) == ("rbm", version)
    assert movie not in {item["movie_id"] for item in answer["items"]}, "it was rated"
    assert len(answer["items"]) == PEOPLE.n_movies - sum(u == user for u, _ in shape.opinions)
    with database.read() as connection:
        exported = [row for chunk in rows(connection, shape.content) for row in chunk]
    assert len(exported) == shape.n_rows
    if shape.content is Content.RATINGS:
        said = {
            (who, what): liked if stars is None else stars
            for who, what, stars, liked, _ in exported
        }
        assert said == shape.opinions
    else:
        assert {(who, what) for _, who, what, kind, *_ in exported if kind == "purchased"} == set(
            shape.opinions
        )

"""`--replace` and the model: what it says before, and that all agree about it afterwards."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import insert, select

from app.config import Settings
from app.core import metrics
from app.datasets.replacement import Fate, Replacement
from app.datasets.service import import_release, plan_replacement
from app.db.engine import Database
from app.db.model_versions import active_version
from app.db.tables import feedback, users
from app.live.model_reloader import ModelReloader
from app.registry.errors import ModelUnfitError, NoPreviousModelError
from app.registry.service import find_trouble, rollback
from app.store.folder import ModelStore
from data.release import Release
from tests.app.small_releases import Line, at, make_release
from tests.app.test_shutdown import until
from tests.app.world import make_rbm, publish

KNOWN = list(range(1, 21))
TITLES = {id_: f"Film {id_}" for id_ in KNOWN}
LINES: list[Line] = [("7", 1, 4.0, 1000), ("8", 2, 2.0, 1001)]


def release(titles: dict[int, str], name: str = "new", rated: int | None = None) -> Release:
    lines: list[Line] = [("7", rated or next(iter(titles)), 4.0, 2000)]
    return make_release(lines, titles, name=name, own=True)


SAME = release(TITLES)
MORE = release({**TITLES, 99: "Alien"})
FEWER = release({id_: TITLES[id_] for id_ in KNOWN[:18]})
TOO_FEW = release({id_: TITLES[id_] for id_ in KNOWN[:17]})
GONE = release({id_ + 100: "Other" for id_ in KNOWN})
OTHERS = release({id_: f"Sock {id_}" for id_ in KNOWN})


@pytest.fixture
def models_dir(tmp_path: Path) -> Path:
    return tmp_path / "models"


@pytest.fixture
def served(database: Database, models_dir: Path) -> Database:
    """A database with a model of its movies."""
    import_release(database, make_release(LINES, TITLES, name="first", own=True), now=at(5000))
    publish(database, models_dir, "v1", make_rbm(1, KNOWN))
    return database


def replace(database: Database, models_dir: Path, data: Release) -> Replacement:
    plan = plan_replacement(database, data, ModelStore(models_dir))
    import_release(database, data, replace=True, store=ModelStore(models_dir), now=at(6000))
    return plan


def state(database: Database) -> tuple[str | None, str | None]:
    with database.read() as connection:
        return active_version(connection)[:2]


@pytest.mark.parametrize(
    ("data", "fate", "n_gone", "active"),
    [
        (SAME, Fate.STAYS, 0, ("v1", None)),
        (MORE, Fate.STAYS, 0, ("v1", None)),
        (FEWER, Fate.STAYS, 2, ("v1", None)),
        (TOO_FEW, Fate.WAITS, 3, (None, "v1")),
        (GONE, Fate.WAITS, 20, (None, "v1")),
        (OTHERS, Fate.ENDS, 20, (None, None)),
    ],
    ids=["same", "more", "a tenth fewer", "too few", "gone", "others under their ids"],
)
def test_a_model_stays_while_nine_tenths_of_its_movies_do(
    served: Database,
    models_dir: Path,
    data: Release,
    fate: Fate,
    n_gone: int,
    active: tuple[str | None, str | None],
) -> None:
    plan = replace(served, models_dir, data)
    assert (plan.fate, plan.n_gone, plan.n_known) == (fate, n_gone, 20)
    assert state(served) == active


def test_what_a_replacement_does_is_said_before(served: Database, models_dir: Path) -> None:
    data, *model = plan_replacement(served, GONE, ModelStore(models_dir)).lines()
    assert data == (
        "new takes the place of first, imported on 1970-01-01, and of all files imported since: "
        "2 ratings are removed, 0 given through the service stay."
    )
    assert model == [
        "Model v1 is deactivated: 20 of its 20 movies are gone or others.",
        "All lists are popular until `recommender train` has made a model of the new data.",
        "`models rollback` serves it again only once its movies are back.",
    ]
    lines = plan_replacement(served, FEWER, ModelStore(models_dir)).lines()
    assert lines[1:] == ["Model v1 stays active: 18 of its 20 movies are there."]
    assert state(served) == ("v1", None), "nothing is done yet"


def test_a_rollback_serves_the_model_again_once_its_movies_are_back(
    served: Database, models_dir: Path
) -> None:
    replace(served, models_dir, GONE)
    with pytest.raises(ModelUnfitError, match="20 of its 20 movies are not in the catalogue"):
        rollback(served, ModelStore(models_dir))
    trouble = find_trouble(served, ModelStore(models_dir))
    assert trouble is not None
    assert "No model is active" in trouble
    assert "Model v1 cannot be served" in trouble
    import_release(served, SAME, now=at(7000))  # added to what is there
    trouble = find_trouble(served, ModelStore(models_dir))
    assert trouble is not None
    assert trouble.endswith("`models rollback` serves v1 again.")
    assert rollback(served, ModelStore(models_dir)) == "v1"
    assert state(served) == ("v1", None)
    assert find_trouble(served, ModelStore(models_dir)) is None


def test_a_model_whose_ids_are_other_movies_now_is_never_gone_back_to(
    served: Database, models_dir: Path
) -> None:
    replace(served, models_dir, OTHERS)
    with pytest.raises(NoPreviousModelError):
        rollback(served, ModelStore(models_dir))
    trouble = find_trouble(served, ModelStore(models_dir))
    assert trouble is not None
    assert trouble.endswith("There is none to go back to: train one.")


def test_readiness_and_metric_agree_that_there_is_no_model(
    served: Database, models_dir: Path, settings: Settings, connect_to: Callable[..., TestClient]
) -> None:
    client = connect_to(settings.model_copy(update={"models_dir": models_dir}))
    assert client.get("/health/ready").json()["degraded"] is None
    replace(served, models_dir, GONE)
    client.app.state.services.find(ModelReloader).reload()  # type: ignore[attr-defined]
    ready = client.get("/health/ready")
    assert (ready.status_code, ready.json()["degraded"]) == (200, "no_model")
    name = "recommender_model_workers"  # the alert RecommenderWithoutModel looks at it
    assert metrics.own_registry.get_sample_value(name, {"version": "none"}) == 1
    client.app.state.services.find(ModelReloader).refresh()  # type: ignore[attr-defined]
    # Without any there need not be a model. The gauge is of the process: another service in it that
    # polls just now has its own number there, until this one polls again.
    until(lambda: bool(metrics.own_registry.get_sample_value("recommender_ratings")))
    assert client.get("/recommendations/7").json()["reason"] == "no_model"


def test_feedback_stays_where_its_movie_and_its_user_do(served: Database, models_dir: Path) -> None:
    def about(name: str, movie_id: int, user_id: int | None) -> dict[str, Any]:
        row = {"feedback_id": name, "movie_id": movie_id, "user_id": user_id, "kind": "shown"}
        return {**row, "scenario": "home", "occurred_at": at(5500), "recorded_ms": 5_500_000}

    with served.unit_of_work() as connection:
        seven, eight = (
            connection.execute(select(users.c.id).where(users.c.key == key)).scalar_one()
            for key in ("7", "8")
        )
        rows = [
            about("stays", 1, seven), about("anonymous", 1, None), about("user gone", 1, eight),
            about("movie gone", 20, seven), about("movie is another", 2, seven),
        ]  # fmt: skip
        connection.execute(insert(feedback), rows)
    replace(served, models_dir, release({1: TITLES[1], 2: "Sock"}))
    with served.read() as connection:
        columns = (feedback.c.feedback_id, users.c.key, feedback.c.scenario, feedback.c.occurred_at)
        query = select(*columns).outerjoin(users, users.c.id == feedback.c.user_id)
        assert set(map(tuple, connection.execute(query))) == {
            ("stays", "7", "home", at(5500)), ("anonymous", None, "home", at(5500)),
        }  # fmt: skip

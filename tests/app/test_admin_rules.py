"""Scenarios, experiments, feedback and the audit log on the operators' pages."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st

from app.admin import scenario_form
from app.admin.charts import bars, difference_chart
from app.admin.forms import ProblemError, percent_of, rows_of, share_of
from app.db import audit
from app.db.audit import Action
from app.experiments.schemas import ArmLook, Bounds, Look
from app.experiments.service import ExperimentService
from app.live.rules import ScenarioDefinition
from tests.app.admin import send, shown
from tests.app.world import World

HOSTILE = "<script>alert(1)</script>\"'><img src=x>"
FILLED: dict[str, Any] = {
    "filters": {
        "genre": ["Drama", "Sci, Fi"], "exclude_genre": ["Horror"], "year_from": 1950,
        "year_to": 2020, "exclude": [10, "sku/18"], "min_ratings": 5,
        "attribute": ["studio:Ghibli", "price:10..20"],
    },
    "boosts": [
        {"by": "popularity", "weight": -0.25},
        {"by": "recency", "weight": 0.7, "half_life_years": 2.5},
        {"by": "genre", "genre": "War", "weight": 1.0},
        {"by": "attribute", "attribute": "studio:Ghibli", "weight": 10.0},
    ],
    "pins": [{"movie_id": 20, "position": 3}, {"movie_id": "sku/18", "position": 1}],
    "diversity": 0.35, "number": 40, "max_per_genre": 7,
    "sources": ["similar", "rbm", "popular"], "exploration": 0.07, "not_again_days": 14,
}  # fmt: skip
TWO_ARMS = {
    "name": "late", "metric": "clicked", "days": "7", "alpha": "5",
    "arm-0-name": "control", "arm-0-share": "50", "arm-1-name": "b", "arm-1-share": "50",
    "arm-1-scenario": "late",
}  # fmt: skip

# What is shown does not depend on the database.
once = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


@pytest.fixture
def page(world: World, connect: Callable[[], TestClient]) -> TestClient:  # noqa: ARG001
    """A browser at a service that is open on loopback."""
    client = connect()
    client.base_url = "https://127.0.0.1:8000"
    return client


def as_key(text: str) -> int | str:
    return int(text) if text.isdecimal() else text


def edit(page: TestClient, action: str, **fields: str) -> Any:
    first = {"source-0": "rbm", "source-1": "popular", "version": "0"}
    return send(page, "/new-scenario", "/scenarios", do=action, **{**first, **fields})


# Forms


@pytest.mark.parametrize("document", [{}, FILLED])
def test_a_form_that_is_sent_as_it_is_shown_changes_nothing(document: dict[str, Any]) -> None:
    definition = ScenarioDefinition.model_validate(document)
    assert scenario_form.read(scenario_form.write(definition), as_key) == definition


@given(st.floats(0, 1).map(lambda share: round(share, 6)))
def test_a_share_is_the_same_in_percent(share: float) -> None:
    assert share_of(percent_of(share)) == pytest.approx(share, abs=1e-9)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        (
            {"boost-4-by": "recency", "boost-4-weight": "x"},
            "Boost 1 how much: Input should be a valid number",
        ),
        ({"boost-0-by": "genre", "boost-0-weight": "1"}, "Boost 1 genre: Field required"),
        ({"boost-0-weight": "1"}, "by how much, but not of which movies"),
        ({"boost-0-by": "popularity", "boost-0-of": "War"}, "popular movies needs no more"),
        ({"pin-0-position": "2"}, "No movie is pinned to place 2."),
        ({"pin-0-movie": "10", "pin-0-position": "0"}, "Pin 1 place: Input should be greater"),
        ({"diversity": "1e3"}, "Variety: Input should be less than or equal to 1"),
        ({"max_per_genre": "2"}, "needs number, the length"),
        ({"source-1": "rbm"}, "A source is named twice"),
        ({f"boost-{i}-by": "popularity" for i in range(21)}, "more than 20 rows of a boost"),
    ],
)
def test_what_is_wrong_with_a_form_is_said_in_its_words(fields: dict[str, str], said: str) -> None:
    with pytest.raises(ProblemError, match=re.escape(said)):
        scenario_form.read({"source-0": "rbm", **fields}, as_key)


def test_rows_that_are_blank_are_left_out() -> None:
    fields = {
        "arm-3-name": "b",
        "arm-3-share": "",
        "arm-0-name": "",
        "arm-x-name": "c",
        "name": "d",
    }
    assert rows_of(fields, "arm", 10) == [{"name": "b"}]


# Scenarios


@once
def test_a_scenario_is_previewed_saved_changed_and_deleted(page: TestClient) -> None:
    pinned = {"pin-0-movie": "movie 30", "pin-0-position": "2"}  # by its title
    preview = edit(page, "preview", user="1", **pinned)
    assert "2 Movie 30 1980 pinned" in shown(preview)
    assert page.get("/scenarios").json() == {"items": []}  # nothing is stored
    assert "Scenario home" in shown(edit(page, "save", name="home", **pinned))
    changed = edit(page, "save", name="home", version="1", number="5")
    assert "Version 2 in use 5 movies" in shown(changed)
    detail = page.get("/scenarios/home").json()
    assert detail["definition"]["pins"] == []
    assert detail["changed_by"] == "somebody without a key"
    before = page.get("/admin/scenarios/home?version=1")  # into the form, to be saved again
    assert 'name="pin-0-movie" value="30"' in before.text
    assert 'name="version" value="2"' in before.text
    assert page.get("/admin/scenarios/home?version=9").status_code == 404
    listed = send(page, "/scenarios/home/delete", "/scenarios/home/delete")
    assert "No scenario yet" in shown(listed)
    assert "Version 3 deleted" in shown(page.get("/admin/scenarios/home"))


@once
def test_a_preview_for_nobody_is_popular(page: TestClient) -> None:
    assert "ratings: unknown user" in shown(edit(page, "preview"))


REFUSED = [
    ({"name": "Home!"}, "A name has small letters"),
    ({"genre": "Drana"}, "Genre 1: no movie has the genre 'Drana'"),
    ({"exclude": "Movie 1"}, "“Movie 1” may be several movies: Movie "),
    ({"exclude": "qqqq"}, "No movie has the key or title “qqqq”"),
    ({"version": "7"}, "Scenario home is at version 0"),
]


@once
def test_a_scenario_is_refused_in_words_and_the_form_keeps_what_was_said(page: TestClient) -> None:
    for fields, said in REFUSED:
        response = edit(page, "save", **{"name": "home", "number": "33", **fields})
        assert response.status_code == 422
        assert said in shown(response)
        assert 'name="number" value="33"' in response.text
    assert page.get("/scenarios").json() == {"items": []}
    assert "is no key of a user" in shown(edit(page, "preview", user=".."))


@once
def test_of_two_operators_the_second_is_told_of_the_first(page: TestClient) -> None:
    edit(page, "save", name="home", number="5")
    edit(page, "save", name="home", number="6", version="1")
    late = edit(page, "save", name="home", number="7", version="1")
    assert late.status_code == 422
    assert "Scenario home is at version 2: look at it again" in shown(late)


@once
def test_nothing_of_a_form_becomes_markup(page: TestClient) -> None:
    names = ("name", "number", "boost-0-of", "pin-0-movie", "genre", "exclude")
    for action in ("save", "preview", "rows"):
        response = edit(page, action, **dict.fromkeys(names, HOSTILE))
        assert "<script>alert" not in response.text
        assert "<img src=x" not in response.text


# Experiments, feedback, audit


@once
def test_an_experiment_is_begun_watched_and_its_winner_promoted(page: TestClient) -> None:
    page.put("/scenarios/home", json={})
    page.put("/scenarios/late", json={"boosts": [{"by": "recency", "weight": 1}]})
    fields = {**TWO_ARMS, "scenario": "home"}
    refused = send(page, "/new-experiment", "/experiments", **{**fields, "arm-1-share": "60"})
    assert refused.status_code == 422
    assert "The shares add up to more than 1" in shown(refused)
    assert 'value="60"' in refused.text
    assert (
        'name="arm-2-name"'
        in send(page, "/new-experiment", "/experiments", **fields, do="rows").text
    )
    begun = send(page, "/new-experiment", "/experiments", **fields)
    assert "Experiment late ·" in shown(begun)
    assert "b rules of late 50.0 % 0" in shown(begun)
    asked = shown(page.get("/admin/experiments/late/promote?arm=b"))
    assert "scenario home gets the rules of late , as a new version" in asked
    path = "/experiments/late/promote"
    promoted = send(page, f"{path}?arm=b", path, arm="b")
    assert "b promoted" in shown(promoted)
    definition = page.get("/scenarios/home").json()["definition"]
    assert definition["boosts"] == [{"weight": 1.0, "by": "recency", "half_life_years": 5.0}]
    assert page.get("/admin/experiments/late/promote?arm=x").status_code == 404


@once
def test_an_experiment_with_a_shadow_is_stopped(page: TestClient) -> None:
    page.put("/scenarios/late", json={})
    fields = {**TWO_ARMS, "arm-1-shadow": "1", "arm-1-share": ""}
    begun = send(page, "/new-experiment", "/experiments", **fields)
    assert "Shown to nobody: b by the rules of late" in shown(begun)
    assert "The same movies" in shown(page.get("/admin/experiments/late?shadows=true"))
    stopped = send(page, "/experiments/late/stop", "/experiments/late/stop")
    assert "stopped begun" in shown(stopped)
    assert page.app.state.services.find(ExperimentService).get("late").state == "stopped"  # type: ignore[attr-defined]


@once
def test_feedback_is_shown_by_what_was_asked(page: TestClient) -> None:
    assert "No feedback in this time" in shown(page.get("/admin/feedback"))
    first = page.get("/recommendations/1?limit=2").json()
    about = {"user": "1", "recommendation_id": first["recommendation_id"], "place": "top"}
    kinds = [(0, "shown"), (1, "shown"), (0, "clicked")]
    sent = [
        {**about, "movie_id": first["items"][place]["movie_id"], "kind": kind}
        for place, kind in kinds
    ]
    assert page.post("/feedback", json={"feedback": sent}).status_code == 200
    assert "v1 none top 1 2 1 · 50.00 %" in shown(page.get("/admin/feedback"))
    by_place = shown(page.get("/admin/feedback?by=place&days=1"))
    assert "Place Users Shown" in by_place
    assert "top 1 2 1 · 50.00 %" in by_place


@once
def test_the_audit_log_is_shown_and_escaped(page: TestClient, world: World) -> None:
    with world.database.unit_of_work() as connection:
        for _ in range(50):
            audit.record(connection, "me", Action.KEY_REVOKED, "k")
        audit.record(connection, HOSTILE, Action.KEY_CREATED, HOSTILE, scopes=[HOSTILE], n=3)
    response = page.get("/admin/audit")
    assert "key created" in shown(response)
    assert "<script>alert" not in response.text
    (earlier,) = re.findall(r'href="([^"]*)">Earlier', response.text)
    assert "Earlier" not in page.get(earlier.replace("&amp;", "&")).text
    only = page.get("/admin/audit?action=key_created").text
    assert only.count('class="what"') == 1


# Drawings


def test_a_chart_has_the_interval_of_each_day_around_its_line() -> None:
    begin = datetime(2026, 11, 20, tzinfo=UTC)
    looks = [
        Look(at=begin + timedelta(days=day), arms=[look("control"), look("b", *known)])
        for day, known in enumerate(((), (0.1, 2.0), (0.05, 0.1), (0.02, 0.05)))
    ]
    chart = difference_chart(looks, "b")
    assert chart is not None
    assert len(chart.points) == 3
    band = [tuple(map(float, point.split(","))) for point in chart.band.split()]
    for (x, y), high, low in zip(chart.points, band[:3], reversed(band[3:]), strict=True):
        assert high[0] == low[0] == pytest.approx(x, abs=0.06)
        assert high[1] < y < low[1]  # heights are counted from above
    assert 0.0 in dict(chart.marks)
    assert max(dict(chart.marks)) < 1  # the first day, when nothing was known, is cut off
    assert difference_chart(looks, "control") is None


def look(name: str, difference: float | None = None, half: float = 0.0) -> ArmLook:
    interval = None
    if difference is not None:
        interval = Bounds(low=difference - half, high=difference + half)
    return ArmLook(
        name=name, users=9, successes=1, rate=0.1, rate_interval=None, difference=difference,
        interval=interval,
    )  # fmt: skip


def test_bars_share_one_scale() -> None:
    first, none, last = bars([(0.1, 0.2, 0.25), None, (0.0, 0.3, 0.5)])
    assert none is None
    assert first == pytest.approx((20, 40, 30))
    assert last == pytest.approx((0, 60, 100))

"""Experiments: begun, stopped and promoted."""

import shutil
from itertools import count
from types import SimpleNamespace
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select, update

from app.db.tables import audit_log, experiments, model_versions
from app.experiments import service
from app.live import model_reloader
from app.live.model_reloader import ModelReloader
from app.live.snapshot import Snapshot
from app.registry.errors import ModelInExperimentError
from app.registry.removal import prune, remove
from app.registry.repository import REFUSED
from app.store.folder import ModelStore
from tests.app.world import World, activate, make_rbm, publish

Json = dict[str, Any]
CONTROL: Json = {"name": "a", "share": 0.5}
OTHER: Json = {"name": "b", "share": 0.5, "model": "v2"}
TWO: Json = {"arms": [CONTROL, OTHER]}


@pytest.fixture(autouse=True)
def salts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Divide the users in the same way each time, and in another one for each experiment."""
    numbers = count()
    drawn = SimpleNamespace(token_hex=lambda _: f"drawn {next(numbers)}")
    monkeypatch.setattr(service, "secrets", drawn)


@pytest.fixture
def rival(world: World) -> str:
    """A second model, not active."""
    publish(world.database, world.settings.models_dir, "v2", make_rbm(seed=2), active=False)
    return "v2"


def begin(client: TestClient, name: str = "new-model", definition: Json = TWO) -> Json:
    response = client.put(f"/experiments/{name}", json=definition)
    assert response.status_code == 201, response.text
    begun: Json = response.json()
    return begun


def reloader(client: TestClient) -> ModelReloader:
    models: ModelReloader = client.app.state.services.find(ModelReloader)  # type: ignore[attr-defined]
    return models


def snapshot_of(client: TestClient) -> Snapshot:
    return reloader(client).current.snapshot


def recorded(world: World) -> list[tuple[str, str | None]]:
    with world.database.read() as connection:
        query = select(audit_log.c.action, audit_log.c.subject).order_by(audit_log.c.id)
        return [(action, subject) for action, subject in connection.execute(query)]


@pytest.mark.usefixtures("rival")
def test_an_experiment_is_begun_once_and_read_again(client: TestClient, world: World) -> None:
    begun = begin(client)
    assert (begun["state"], begun["winner"], begun["ended_at"]) == ("running", None, None)
    assert "salt" not in begun
    assert client.put("/experiments/new-model", json=TWO).status_code == 200
    assert client.get("/experiments/new-model").json() == begun
    assert client.get("/experiments").json() == {"items": [begun]}
    assert recorded(world) == [("experiment_begun", "new-model")]
    assert client.get("/experiments/another").status_code == 404


@pytest.mark.usefixtures("rival")
def test_this_worker_takes_part_at_once_and_arms_are_the_same_in_every_worker(
    client: TestClient, world: World
) -> None:
    begin(client)
    snapshot = snapshot_of(client)
    assert set(snapshot.variants) == {"v2"}
    assert snapshot.variants["v2"].version == "v2"
    running = snapshot.rules.experiments[None]
    keys = [f"user-{i}" for i in range(2000)]
    arms = [running.arm_of(key) for key in keys]
    of_b = sum(arm is not None and arm.name == "b" for arm in arms)
    assert 900 < of_b < 1100
    other_worker = ModelReloader(world.database, ModelStore(world.settings.models_dir), 4.0)
    other_worker.poll()
    its_own = other_worker.current.snapshot.rules.experiments[None]
    assert [its_own.arm_of(key) for key in keys] == arms
    client.post("/experiments/new-model/stop")
    assert not snapshot_of(client).rules.experiments
    assert not snapshot_of(client).variants
    begin(client, "a-later-one")
    salted = snapshot_of(client).rules.experiments[None]
    same = sum(salted.arm_of(key) == arm for key, arm in zip(keys, arms, strict=True))
    assert 850 < same < 1150  # of two experiments, a user's arms have nothing to do with each other


@pytest.mark.usefixtures("rival")
def test_what_was_begun_is_not_changed_and_its_name_is_used_once(client: TestClient) -> None:
    begin(client)
    other = {"arms": [CONTROL, {**OTHER, "share": 0.4}]}
    refused = client.put("/experiments/new-model", json=other)
    assert (refused.status_code, refused.json()["error"]) == (409, "ExperimentExists")
    second = client.put("/experiments/second", json=TWO)
    assert (second.status_code, second.json()["error"]) == (409, "OtherExperimentRunning")
    assert client.get("/experiments/second").status_code == 404
    stopped = client.post("/experiments/new-model/stop").json()
    assert (stopped["state"], stopped["winner"]) == ("stopped", None)
    assert client.post("/experiments/new-model/stop").json() == stopped
    assert client.put("/experiments/new-model", json=TWO).status_code == 409
    begin(client, "second", TWO)


WRONG: list[tuple[Json, list[str | int]]] = [
    ({**TWO, "scenario": "nowhere"}, ["body", "scenario"]),
    ({"arms": [CONTROL, {**OTHER, "scenario": "nowhere"}]}, ["body", "arms", 1, "scenario"]),
    ({"arms": [{**CONTROL, "model": "v3"}, OTHER]}, ["body", "arms", 0, "model"]),
    ({"arms": [CONTROL]}, ["body", "arms"]),
    ({"arms": [CONTROL, CONTROL]}, ["body"]),
    ({"arms": [CONTROL, {**OTHER, "share": 0.6}]}, ["body"]),
    ({"arms": [CONTROL, {**OTHER, "share": 0}]}, ["body"]),
    ({**TWO, "days": 0}, ["body", "days"]),
]


@pytest.mark.usefixtures("rival")
def test_what_is_not_there_or_makes_no_sense_is_named(client: TestClient) -> None:
    for definition, place in WRONG:
        response = client.put("/experiments/new-model", json=definition)
        assert response.status_code == 422, definition
        assert [field["location"] for field in response.json()["fields"]] == [place]
    assert client.get("/experiments").json() == {"items": []}


def test_a_model_that_the_gate_refused_is_shown_to_nobody(
    client: TestClient, world: World, rival: str
) -> None:
    with world.database.unit_of_work() as connection:
        change = update(model_versions).where(model_versions.c.version == rival)
        connection.execute(change.values(state=REFUSED))
    assert client.put("/experiments/new-model", json=TWO).status_code == 422
    shadow = {"arms": [CONTROL, {**OTHER, "share": 0, "shadow": True}]}
    begin(client, "new-model", shadow)
    refused = client.post("/experiments/new-model/promote", json={"arm": "b"})
    assert (refused.status_code, refused.json()["error"]) == (409, "ModelRefused")
    assert client.get("/experiments/new-model").json()["state"] == "running"


def test_a_damaged_model_is_not_compared(client: TestClient, world: World, rival: str) -> None:
    shutil.rmtree(world.settings.models_dir / rival)
    refused = client.put("/experiments/new-model", json=TWO)
    assert (refused.status_code, refused.json()["error"]) == (409, "ModelDamaged")


def test_a_model_that_cannot_be_loaded_is_tried_again(
    client: TestClient, world: World, rival: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_reloader, "POLL_S", 3600.0)
    begin(client)
    models = ModelReloader(world.database, ModelStore(world.settings.models_dir), 4.0)
    folder = world.settings.models_dir / rival
    folder.rename(folder.with_name("away"))
    models.poll()
    assert not models.current.snapshot.variants
    generation = models.current.generation()
    folder.with_name("away").rename(folder)
    models.poll()  # too early
    assert models.current.generation() == generation
    monkeypatch.setattr(model_reloader, "monotonic", lambda: float("inf"))
    models.poll()
    assert set(models.current.snapshot.variants) == {rival}
    generation = models.current.generation()
    models.poll()
    assert models.current.generation() == generation


def test_a_model_of_an_experiment_in_progress_is_not_removed(
    client: TestClient, world: World, rival: str
) -> None:
    database, models_dir = world.database, world.settings.models_dir
    begin(client)
    publish(database, models_dir, "v3", make_rbm(seed=3))
    publish(database, models_dir, "v4", make_rbm(seed=4))
    with pytest.raises(ModelInExperimentError):
        remove(database, ModelStore(models_dir), rival)
    assert prune(database, ModelStore(models_dir), keep=1) == ["v1"]
    client.post("/experiments/new-model/stop")
    assert prune(database, ModelStore(models_dir), keep=1) == [rival]


@pytest.mark.usefixtures("rival")
def test_the_winner_is_served_to_everybody(client: TestClient, world: World) -> None:
    begin(client)
    unknown = client.post("/experiments/new-model/promote", json={"arm": "c"})
    assert (unknown.status_code, unknown.json()["error"]) == (404, "ArmNotFound")
    promoted = client.post("/experiments/new-model/promote", json={"arm": "b"})
    assert promoted.status_code == 200, promoted.text
    assert (promoted.json()["state"], promoted.json()["winner"]) == ("stopped", "b")
    assert client.get("/models/active").json() == {"version": "v2", "previous": "v1"}
    assert snapshot_of(client).version == "v2"
    assert (
        client.post("/experiments/new-model/promote", json={"arm": "b"}).json() == promoted.json()
    )
    second = client.post("/experiments/new-model/promote", json={"arm": "a"})
    assert (second.status_code, second.json()["error"]) == (409, "ArmNotPromotable")
    actions = [action for action, _ in recorded(world)]
    assert actions == ["experiment_begun", "model_activated", "experiment_promoted"]


def test_scenario_and_boosts_of_the_winner_become_a_version(client: TestClient) -> None:
    boost = {"by": "recency", "weight": 0.5}
    further = {"by": "popularity", "weight": -1.0}
    client.put("/scenarios/home", json={"diversity": 0.3})
    client.put("/scenarios/bold", json={"boosts": [boost]})
    arms = [CONTROL, {"name": "b", "share": 0.5, "scenario": "bold", "boosts": [further]}]
    begin(client, "bolder", {"scenario": "home", "arms": arms})
    assert client.delete("/scenarios/bold").status_code == 409
    client.post("/experiments/bolder/promote", json={"arm": "b"})
    home = client.get("/scenarios/home").json()
    assert home["version"] == 2
    assert [each["weight"] for each in home["definition"]["boosts"]] == [0.5, -1.0]
    assert home["definition"]["diversity"] == 0
    assert client.get("/scenarios/bold").json()["version"] == 1


def test_rules_cannot_be_promoted_where_there_is_no_scenario_to_have_them(
    client: TestClient, world: World
) -> None:
    boosts = [{"by": "popularity", "weight": 1.0}]
    begin(client, "boosted", {"arms": [CONTROL, {"name": "b", "share": 0.5, "boosts": boosts}]})
    refused = client.post("/experiments/boosted/promote", json={"arm": "b"})
    assert (refused.status_code, refused.json()["error"]) == (409, "ArmNotPromotable")
    with world.database.read() as connection:
        assert connection.execute(select(experiments.c.state)).scalar_one() == "running"


SHADOW: Json = {"name": "s", "share": 0, "shadow": True, "model": "v2"}


@pytest.mark.usefixtures("rival")
def test_answers_name_the_arm_and_are_made_by_its_model(client: TestClient) -> None:
    alone = {user: client.get(f"/recommendations/{user}").json() for user in "123456"}
    begin(client, "new-model", {"arms": [{**CONTROL, "share": 0.4}, OTHER]})
    running = snapshot_of(client).rules.experiments[None]
    seen = set()
    for user, before in alone.items():
        answer = client.get(f"/recommendations/{user}").json()
        arm = running.arm_of(user)
        name = arm.name if arm else None
        seen.add(name)
        assert (answer.get("arm"), answer.get("experiment")) == (name, "new-model" if arm else None)
        assert answer["model"] == ("v2" if name == "b" else "v1")
        assert (answer["items"] == before["items"]) == (name != "b")
        batch = client.post("/recommendations/batch", json={"users": [user]}).json()
        assert batch["items"][0] == answer
    assert seen == {"a", "b", None}
    anonymous = client.post("/recommendations", json={"ratings": [{"movie_id": 10, "stars": 5}]})
    assert "arm" not in anonymous.json()


@pytest.mark.usefixtures("rival")
def test_feedback_on_an_arm_is_in_its_report_and_erased_with_the_user(client: TestClient) -> None:
    begin(client)
    answer = client.get("/recommendations/1").json()
    sent = {"user": "1", "recommendation_id": answer["recommendation_id"]}
    movie = answer["items"][0]["movie_id"]
    told = [{**sent, "movie_id": movie, "kind": kind} for kind in ("shown", "clicked")]
    assert client.post("/feedback", json={"feedback": told}).status_code == 200

    def waiting() -> dict[str, int]:
        arms = client.get("/experiments/new-model/report").json()["arms"]
        return {arm["name"]: arm["waiting"] for arm in arms}

    assert waiting() == {"a": 0, "b": 0, answer["arm"]: 1}
    client.delete("/users/1")
    assert waiting() == {"a": 0, "b": 0}


@pytest.mark.usefixtures("rival")
def test_a_shadow_answers_nobody_and_is_compared(client: TestClient, world: World) -> None:
    begin(client, "new-model", {"arms": [{**CONTROL, "share": 1}, SHADOW]})
    empty = client.get("/experiments/new-model/shadows").json()
    assert empty["users"] == 0
    assert empty["items"][0]["overlap"] is None
    lists = {}
    for user in "1234":
        answer = client.get(f"/recommendations/{user}").json()
        assert (answer["model"], answer["arm"]) == ("v1", "a")
        lists[user] = [item["movie_id"] for item in answer["items"]]
        told = {"user": user, "recommendation_id": answer["recommendation_id"]}
        clicked = [{**told, "movie_id": id_, "kind": "clicked"} for id_ in lists[user][:2]]
        shown = [{**told, "movie_id": id_, "kind": "shown"} for id_ in lists[user]]
        client.post("/feedback", json={"feedback": [*shown, *clicked]})
    client.put(f"/users/4/ratings/{lists['4'][0]}", json={"liked": True})
    lists["4"] = [item["movie_id"] for item in client.get("/recommendations/4").json()["items"]]
    compared = client.get("/experiments/new-model/shadows").json()
    client.post("/experiments/new-model/stop")
    stopped = client.get("/experiments/new-model/shadows")
    assert (stopped.status_code, stopped.json()["error"]) == (409, "ExperimentStopped")
    activate(world.database, "v2")
    reloader(client).poll()
    other = {
        user: {item["movie_id"] for item in client.get(f"/recommendations/{user}").json()["items"]}
        for user in lists
    }
    overlap = sum(len(other[user] & set(lists[user])) / len(lists[user]) for user in lists) / 4
    assert compared["users"] == 4
    (shadow,) = compared["items"]
    assert shadow["overlap"] == pytest.approx(overlap)
    clicks = [(user, id_) for user in lists for id_ in lists[user][:2]][:-1]
    assert (shadow["clicks"], shadow["control_found"]) == (7, 1.0)
    found = sum(id_ in other[user] for user, id_ in clicks)
    assert shadow["shadow_found"] == pytest.approx(found / 7)

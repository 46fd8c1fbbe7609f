"""GET /recommendations/{user}: pagination cursors, and when they expire."""

import base64
import json
from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st

from app.core.errors import InvalidRequestError
from app.http.cursors import decode
from app.live import model_reloader as model_server
from app.live.model_reloader import ModelReloader
from app.recommendations.schemas import RecommendationsCursor
from tests.app.paging import next_of
from tests.app.world import World, make_rbm, publish


def test_a_cursor_expires_when_the_person_rates(client: TestClient) -> None:
    cursor = next_of(client, "1")
    client.put("/users/1/ratings/400", json={"liked": True})
    response = client.get("/recommendations/1", params={"cursor": cursor})
    assert response.status_code == 410
    assert response.json()["error"] == "CursorExpired"


def test_a_cursor_does_not_expire_when_another_user_rates(client: TestClient) -> None:
    cursor = next_of(client, "1")
    client.put("/users/2/ratings/400", json={"liked": True})
    assert client.get("/recommendations/1", params={"cursor": cursor}).status_code == 200


def test_a_cursor_of_an_unknown_user_expires_with_the_first_rating(client: TestClient) -> None:
    cursor = next_of(client, "me")
    client.put("/users/me/ratings/400", json={"liked": True})
    assert client.get("/recommendations/me", params={"cursor": cursor}).status_code == 410


def test_a_cursor_expires_with_the_model(client: TestClient, world: World) -> None:
    cursor = next_of(client, "1")
    publish(world.database, world.settings.models_dir, "v2", make_rbm(seed=2))
    client.app.state.services.find(ModelReloader).refresh()  # type: ignore[attr-defined]
    assert client.get("/recommendations/1", params={"cursor": cursor}).status_code == 410


def test_a_cursor_among_popular_movies_expires_when_their_order_changes(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_server, "RECOUNT_S", 0)
    monkeypatch.setattr(model_server, "RECOUNT_SHARE", 0)
    client.app.state.services.find(ModelReloader).refresh()  # type: ignore[attr-defined]
    popular, personal = next_of(client, "nobody"), next_of(client, "1")
    least = client.get("/recommendations/nobody", params={"limit": 100}).json()["items"][-1]
    for user in "abcdefg":
        client.put(f"/users/{user}/ratings/{least['movie_id']}", json={"liked": True})
    client.app.state.services.find(ModelReloader).refresh()  # type: ignore[attr-defined]
    assert client.get("/recommendations/nobody", params={"cursor": popular}).status_code == 410
    assert client.get("/recommendations/1", params={"cursor": personal}).status_code == 200


def test_a_cursor_among_popular_movies_expires_when_the_personal_ones_before_change(
    client: TestClient,
) -> None:
    asked: dict[str, str | int] = {"genre": "Drama", "limit": 100}
    items = client.get("/recommendations/1", params=asked).json()["items"]
    personal = [item["movie_id"] for item in items if item["source"] == "rbm"]
    asked["limit"] = len(personal)
    asked["cursor"] = client.get("/recommendations/1", params=asked).json()["next"]
    assert client.get("/recommendations/1", params=asked).status_code == 200
    client.patch(f"/movies/{personal[0]}", json={"genres": ["Comedy"]})
    # One personal movie less: the first popular one would be skipped.
    assert client.get("/recommendations/1", params=asked).status_code == 410


def test_a_cursor_of_one_worker_is_good_at_another(
    world: World,  # noqa: ARG001
    connect: Callable[[], TestClient],
) -> None:
    one, other = connect(), connect()
    for user in ("1", "nobody"):
        cursor = next_of(one, user)
        here, there = (
            worker.get(f"/recommendations/{user}", params={"cursor": cursor})
            for worker in (one, other)
        )
        assert here.content == there.content


def test_a_cursor_of_another_person_is_refused(client: TestClient) -> None:
    response = client.get("/recommendations/2", params={"cursor": next_of(client, "1")})
    assert response.status_code == 422
    assert response.json()["fields"][0]["location"] == ["query", "cursor"]


def test_a_cursor_does_not_tell_whose_it_is(client: TestClient) -> None:
    cursor = next_of(client, "somebody@example.org")
    assert b"somebody" not in base64.urlsafe_b64decode(cursor + "==")


@pytest.mark.parametrize(
    "cursor",
    [
        "x",
        "abcd",
        "e30",
        "bnVsbA",
        "W10",
        base64.urlsafe_b64encode(b"\xff\xfe\x00").decode(),
        base64.urlsafe_b64encode(json.dumps({"p": 10**30}).encode()).decode().rstrip("="),
        "A" * 513,
        "a b",
        "ä",
        "\x00",
    ],
)
def test_a_malformed_cursor_is_refused(lone_client: TestClient, cursor: str) -> None:
    response = lone_client.get("/recommendations/1", params={"cursor": cursor})
    assert response.status_code == 422
    assert response.json()["error"] == "InvalidRequest"
    assert response.json()["fields"][0]["location"] == ["query", "cursor"]


def test_a_cursor_past_the_end_gives_an_empty_page(client: TestClient, world: World) -> None:
    end = len(world.unseen("1"))
    last = decode(RecommendationsCursor, next_of(client, "1", limit=end - 1))
    assert last is not None
    for position in (end, end + 1, 2**31 - 1):
        beyond = last.model_copy(update={"position": position, "state": ""}).encode()
        response = client.get("/recommendations/1", params={"cursor": beyond})
        assert response.status_code == 200
        assert (response.json()["items"], response.json()["next"]) == ([], None)


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=600))
def test_decoding_any_text_gives_a_cursor_or_the_error(text: str) -> None:
    try:
        cursor = decode(RecommendationsCursor, text)
    except InvalidRequestError:
        return
    assert cursor is None or decode(RecommendationsCursor, cursor.encode()) == cursor


@given(
    st.builds(
        RecommendationsCursor,
        q=st.text(max_size=40),
        m=st.none() | st.text(max_size=40),
        r=st.integers(0, 2**63 - 1),
        s=st.text(max_size=40),
        p=st.integers(1, 2**31 - 1),
    )
)
def test_a_cursor_survives_encoding(cursor: RecommendationsCursor) -> None:
    assert decode(RecommendationsCursor, cursor.encode()) == cursor

"""Reading of recommendations as a client does it, page by page."""

from typing import Any

import numpy as np
from fastapi.testclient import TestClient

from tests.app.world import MODEL_MOVIE_IDS, N_RATERS, World

ALL_USERS = [*map(str, range(1, N_RATERS + 1)), "newcomer", "avant-garde", "nobody"]


def walk(client: TestClient, user: str, limit: int, **options: Any) -> list[dict[str, Any]]:
    """All items of all pages."""
    items: list[dict[str, Any]] = []
    cursor = ""
    while True:
        answer = client.get(
            f"/recommendations/{user}",
            params={"limit": limit, "cursor": cursor, "explain": 1, **options},
        ).json()
        items += answer["items"]
        assert answer["items"] or not cursor, "a page beyond the end"
        if answer["next"] is None:
            return items
        assert len(answer["items"]) == limit
        cursor = answer["next"]


def ids(items: list[dict[str, Any]]) -> list[int]:
    return [item["movie_id"] for item in items]


def known_ratings(world: World, user: str) -> tuple[Any, Any]:
    """Rows and likes of the ratings that the model knows."""
    known = {id_: like for id_, like in world.ratings[user].items() if id_ in MODEL_MOVIE_IDS}
    rows = sorted((MODEL_MOVIE_IDS.index(id_), like) for id_, like in known.items())
    return np.array([row for row, _ in rows]), np.array([like for _, like in rows], dtype=bool)


def next_of(client: TestClient, user: str, limit: int = 3) -> str:
    cursor = client.get(f"/recommendations/{user}", params={"limit": limit}).json()["next"]
    assert isinstance(cursor, str)
    return cursor

"""Recency: recent likes and the age of ratings, where the settings ask for them."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select, update

from app.config import Settings
from app.db.engine import Database
from app.db.tables import ratings, shared_counts, users
from app.features.schemas import FeaturesQuery
from app.features.service import FeatureService
from app.live import model_reloader
from app.live.counts import Basis, count
from app.live.model_reloader import ModelReloader
from app.live.recency import Recency
from app.ratings import repository, user_repository
from app.recommendations.options import AnonymousRequest, BatchRequest, RecommendationsQuery
from app.recommendations.predictions import PredictionService
from app.recommendations.schemas import Recommendations
from app.recommendations.service import RecommendationService
from app.store.folder import ModelStore
from data.movie_keys import MovieKey, movie_id
from data.rules import MAX_MOVIE_ID
from model.fold_in import fold_in
from model.recency import recency_shift
from model.scoring import effects, sample_user, score_user
from tests.app.paging import known_ratings, next_of
from tests.app.test_counts import make_server, name_of, server_of, share_after_claim, walk_both
from tests.app.world import MODEL_MOVIE_IDS, MOMENT, World, add_movies

ON = Recency(weight=1.0, share=0.1, pseudo_likes=20.0)
HALF_LIFE = 100.0
DAY = 86_400
LONG_AGO = datetime(2001, 2, 3, tzinfo=UTC)
# A movie that the model knows; users who have not rated it yet like it lately.
TARGET = 150
LATELY = MOMENT + timedelta(days=1)


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Count at every poll after a change of ratings, and poll only in the test."""
    monkeypatch.setattr(model_reloader, "RECOUNT_S", 0)
    monkeypatch.setattr(model_reloader, "RECOUNT_SHARE", 0)
    monkeypatch.setattr(model_reloader, "POLL_S", 3600)


def rate(
    database: Database, names: Iterable[str], movie_id: int = TARGET, rated_at: datetime = LATELY
) -> None:
    """Let users like a movie at a moment."""
    with database.unit_of_work() as connection:
        for name in names:
            user_id = user_repository.ensure(connection, name)
            row = {"movie_id": movie_id, "stars": None, "liked": True}
            repository.put(connection, user_id, [row], rated_at)
            user_repository.advance_revision(connection, user_id)


def spread(database: Database, user: str) -> dict[int, int]:
    """Put 40 days between the ratings of a user, by movie id; return their Unix seconds."""
    times = {}
    with database.unit_of_work() as connection:
        user_id = select(users.c.id).where(users.c.key == user).scalar_subquery()
        of_user = ratings.c.user_id == user_id
        movie_ids = connection.execute(select(ratings.c.movie_id).where(of_user)).scalars().all()
        for place, movie_id in enumerate(sorted(movie_ids)):
            moment = LONG_AGO + timedelta(days=40 * place)
            times[movie_id] = int(moment.timestamp())
            statement = update(ratings).where(of_user, ratings.c.movie_id == movie_id)
            connection.execute(statement.values(rated_at=moment))
    return times


def weights_of(times: dict[int, int], rows: Any) -> Any:
    """Weights of the rows of a model, worked out anew."""
    latest = max(times.values())
    ages = np.array([latest - times[MODEL_MOVIE_IDS[row]] for row in rows])
    return np.asarray(0.5 ** (ages / (DAY * HALF_LIFE)), dtype=np.float32)


def reloader(world: World, recency: Recency = ON) -> ModelReloader:
    server = ModelReloader(world.database, ModelStore(world.settings.models_dir), 4.0, recency)
    server.refresh()
    return server


def shift_of(server: ModelReloader) -> Any:
    model = server.current.snapshot.model
    assert model is not None
    return model.like_shift


def service_of(server: ModelReloader, half_life_days: float = 0.0) -> RecommendationService:
    return RecommendationService(server.database, server.current, 4.0, half_life_days)


def scores(page: Recommendations) -> dict[MovieKey, tuple[float, float]]:
    return {item.movie_id: (item.score, item.like_probability) for item in page.items}


def expected(pair: Any, page: Recommendations) -> dict[int, Any]:
    """P(like) and P(like | seen) of the movies of a page that the model knows."""
    rows = {id_: MODEL_MOVIE_IDS.index(id_) for id_ in scores(page) if id_ in MODEL_MOVIE_IDS}
    return {
        id_: (pytest.approx(pair[0][row]), pytest.approx(pair[1][row])) for id_, row in rows.items()
    }


def known(page: Recommendations) -> dict[int, tuple[float, float]]:
    return {id_: pair for id_, pair in scores(page).items() if id_ in MODEL_MOVIE_IDS}


ALL = RecommendationsQuery(limit=100, explain=5)


@pytest.mark.parametrize(
    ("share", "expected_likes"),
    # Of 90 ratings, 4 of one later second and 2 of the one behind it.
    [(0.01, 2), (0.02, 2), (0.03, 6), (0.06, 6)],
)
def test_likes_of_the_latest_share_are_counted_and_a_second_is_not_divided(
    world: World, share: float, expected_likes: int
) -> None:
    rate(world.database, [f"a{i}" for i in range(4)], rated_at=LATELY)
    rate(world.database, ["b0", "b1"], rated_at=LATELY + timedelta(seconds=1))
    with world.database.read() as connection:
        counted = count(connection, Basis(1, None, 4.0, share))
        without = count(connection, Basis(1, None, 4.0))
    assert counted.recent_likes is not None
    assert dict(zip(counted.movie_ids, counted.recent_likes, strict=True)) == {
        movie_id: expected_likes if movie_id == TARGET else 0 for movie_id in counted.movie_ids
    }
    assert (counted.likes == without.likes).all()
    assert (counted.ratings == without.ratings).all()
    assert without.recent_likes is None


def test_dislikes_of_lately_are_no_likes(world: World) -> None:
    with world.database.read() as connection:
        counted = count(connection, Basis(1, None, 4.0, 0.05))
    assert counted.recent_likes is not None
    assert (counted.recent_likes == counted.likes).all()  # all were given in one second


def test_a_movie_that_is_liked_lately_rises_by_its_lift(world: World) -> None:
    rate(world.database, [f"new-{i}" for i in range(9)])
    server, off = reloader(world), reloader(world, Recency())
    before, after = (service_of(one).recommend("1", ALL) for one in (off, server))
    assert list(scores(after)).index(TARGET) < list(scores(before)).index(TARGET)
    counts = server.current.snapshot.catalogue.counts
    assert counts.recent_likes is not None
    by_id = {
        id_: (recent, always)
        for id_, recent, always in zip(
            counts.movie_ids, counts.recent_likes, counts.likes, strict=True
        )
    }
    recent, always = np.array([by_id.get(id_, (0, 0)) for id_ in MODEL_MOVIE_IDS]).T
    shift = recency_shift(recent, always, pseudo_likes=20)
    assert shift[MODEL_MOVIE_IDS.index(TARGET)] == shift.max() > 0
    rows, liked = known_ratings(world, "1")
    assert known(after) == expected(score_user(world.rbm, rows, liked, like_shift=shift), after)
    assert [scores(after)[id_][1] for id_ in known(before)] == [
        like_probability for _, like_probability in known(before).values()
    ]


def test_without_the_settings_nothing_changes(world: World) -> None:
    times = spread(world.database, "4")
    rate(world.database, ["new"])
    server = reloader(world, Recency())
    assert shift_of(server) is None
    assert server.current.snapshot.catalogue.counts.recent_likes is None
    rows, liked = known_ratings(world, "4")
    page = service_of(server).recommend("4", ALL)
    assert known(page) == expected(score_user(world.rbm, rows, liked), page)
    aged = service_of(server, HALF_LIFE).recommend("4", ALL)
    assert len(times) > 1
    assert known(aged) != known(page)


@pytest.mark.parametrize("half_life", [0.0, HALF_LIFE])
def test_reasons_equal_recomputation(world: World, half_life: float) -> None:
    times = spread(world.database, "5")
    rate(world.database, [f"new-{i}" for i in range(9)])
    server = reloader(world)
    rows, liked = known_ratings(world, "5")
    weights = weights_of(times, rows) if half_life else None
    page = service_of(server, half_life).recommend("5", ALL)
    compared = 0
    for item in page.items:
        if item.movie_id not in MODEL_MOVIE_IDS:
            continue
        target = np.array([MODEL_MOVIE_IDS.index(item.movie_id)])
        given = {"weights": weights, "like_shift": shift_of(server)}
        effect = effects(world.rbm, rows, liked, target, **given)[0]
        whole = logit(score_user(world.rbm, rows, liked, **given)[0][target[0]])
        for reason in item.because:
            place = rows.tolist().index(MODEL_MOVIE_IDS.index(movie_id(reason.movie_id)))
            others = np.arange(len(rows)) != place
            left = None if weights is None else weights[others]
            without = score_user(
                world.rbm, rows[others], liked[others],
                weights=left, like_shift=given["like_shift"],
            )[0][target[0]]  # fmt: skip
            assert reason.effect == pytest.approx(float(effect[place]), abs=1e-6)
            assert reason.effect == pytest.approx(whole - logit(without), abs=1e-4)
            compared += 1
    assert compared > 20


def logit(probability: Any) -> float:
    return float(np.log(probability) - np.log1p(-probability))


def test_older_ratings_weigh_less_everywhere_and_the_same_everywhere(world: World) -> None:
    times = spread(world.database, "5")
    server = reloader(world)
    service = service_of(server, HALF_LIFE)
    rows, liked = known_ratings(world, "5")
    given = {"weights": weights_of(times, rows), "like_shift": shift_of(server)}
    assert given["weights"].min() < 0.2 < given["weights"].max()
    page = service.recommend("5", ALL)
    assert known(page) == expected(score_user(world.rbm, rows, liked, **given), page)
    batch = service.recommend_batch(BatchRequest(users=["5", "nobody"], limit=100, explain=5))
    assert batch.items[0] == page
    sampled = service.recommend("5", RecommendationsQuery(limit=100, mode="sample", seed=3))
    drawn = sample_user(world.rbm, rows, liked, np.random.default_rng(3), **given)
    assert known(sampled) == expected(drawn, sampled)
    prediction = PredictionService(world.database, server.current, 4.0, HALF_LIFE)
    for item in page.items:
        if item.movie_id in MODEL_MOVIE_IDS:
            alone = prediction.predict("5", item.movie_id, 5)
            assert (alone.score, alone.like_probability) == (item.score, item.like_probability)
            assert alone.because == item.because
    features = FeatureService(world.database, server.current, 4.0, HALF_LIFE)
    hidden = fold_in(world.rbm, rows, liked, weights=given["weights"])
    described = features.of_user("5", FeaturesQuery())
    assert described.items
    for feature in described.items:
        assert feature.activation == pytest.approx(float(hidden[feature.unit]), abs=1e-6)
        for reason in feature.because:
            place = rows.tolist().index(MODEL_MOVIE_IDS.index(movie_id(reason.movie_id)))
            sent = world.rbm.W[rows[place], int(not liked[place]), feature.unit]
            assert reason.effect == pytest.approx(float(sent * given["weights"][place]), abs=1e-6)


def test_the_times_of_ratings_are_read_to_the_hour_whatever_the_year(database: Database) -> None:
    moments = [
        datetime(1, 1, 1, 1, tzinfo=UTC),
        datetime(1970, 1, 1, tzinfo=UTC),
        datetime(2026, 11, 20, 10, 59, 59, tzinfo=UTC),
        datetime(9999, 12, 31, 23, tzinfo=UTC),
    ]
    movie_ids = [-(2**61), -1, MAX_MOVIE_ID - 1, MAX_MOVIE_ID]
    add_movies(database, movie_ids)
    for movie, moment in zip(movie_ids, moments, strict=True):
        rate(database, ["a"], movie, moment)
    rate(database, ["b"], movie_ids[0])
    with database.read() as connection:
        found = repository.find_ratings_of_users(connection, ["a", "b"], 4.0, 1.0)
        without = repository.find_user_ratings(connection, "a", 4.0)
    assert found["a"].movie_ids.tolist() == movie_ids
    assert found["a"].liked.all()
    assert found["a"].hours is not None
    hours = [int((moment - moments[1]).total_seconds()) // 3600 for moment in moments]
    assert np.diff(found["a"].hours).tolist() == np.diff(hours).tolist()
    weights = found["a"].weights()
    assert weights is not None
    assert weights.tolist() == [0, 0, 0, 1]
    assert found["b"].weights() is None
    assert without is not None
    assert without.weights() is None


def test_ratings_in_a_request_have_no_age(world: World) -> None:
    spread(world.database, "5")
    server = reloader(world)
    rows, liked = known_ratings(world, "5")
    sent = [
        {"movie_id": MODEL_MOVIE_IDS[row], "liked": bool(like)}
        for row, like in zip(rows, liked, strict=True)
    ]
    request = AnonymousRequest.model_validate({"ratings": sent, "limit": 100})
    page = service_of(server, HALF_LIFE).recommend_anonymous(request)
    pair = score_user(world.rbm, rows, liked, like_shift=shift_of(server))
    assert known(page) == expected(pair, page)


def test_ratings_of_one_second_weigh_the_same_as_without_a_half_life(world: World) -> None:
    server = reloader(world)
    for user in ("1", "6", "newcomer", "nobody"):
        lists = [
            service_of(server, half_life).recommend(user, ALL) for half_life in (0.0, HALF_LIFE)
        ]
        assert lists[0].model_dump_json() == lists[1].model_dump_json()


def test_a_prediction_does_not_depend_on_when_its_own_movie_was_rated(world: World) -> None:
    spread(world.database, "5")
    server = reloader(world)
    service = PredictionService(world.database, server.current, 4.0, HALF_LIFE)
    movie_id = max(id_ for id_ in world.ratings["5"] if id_ in MODEL_MOVIE_IDS)
    predictions = []
    for rated_at in (LONG_AGO, LATELY):
        rate(world.database, ["5"], movie_id, rated_at)
        predictions.append(service.predict("5", movie_id, 5))
    assert predictions[0] == predictions[1]


def with_recency(settings: Settings) -> Settings:
    return settings.model_copy(
        update={
            "recency_weight": ON.weight,
            "recency_share": ON.share,
            "recency_pseudo_likes": ON.pseudo_likes,
            "rating_half_life_days": HALF_LIFE,
        }
    )


PAGES = [
    "/recommendations/3?limit=7",
    "/recommendations/5?limit=7&min_ratings=1",
    "/recommendations/5?limit=9&mode=sample&seed=1",
    "/recommendations/5?limit=9&diversity=0.5",
]


def test_all_workers_serve_the_same_bytes_and_pages_go_on_at_any(
    world: World, connect_to: Callable[[Settings], TestClient]
) -> None:
    spread(world.database, "5")
    one, other = (connect_to(with_recency(world.settings)) for _ in range(2))
    server_of(one).refresh()
    for number in range(3):
        rate(world.database, [f"{number}-{i}" for i in range(5)], TARGET + 10 * number)
        server_of(one).refresh()
        server_of(other).poll()
        assert shift_of(server_of(one)) is not None
        for path in PAGES:
            assert walk_both(one, other, path) >= 2


def test_a_cursor_of_a_personal_list_expires_with_the_counts_and_not_before(
    world: World, connect_to: Callable[[Settings], TestClient]
) -> None:
    client, off = connect_to(with_recency(world.settings)), connect_to(world.settings)
    server_of(client).refresh()
    server_of(off).refresh()
    cursors = {one: next_of(one, "3") for one in (client, off)}
    rate(world.database, [f"new-{i}" for i in range(5)])
    for one, cursor in cursors.items():
        assert page_status(one, cursor) == 200  # counted, but not yet
    server_of(client).refresh()
    server_of(off).poll()
    assert page_status(client, cursors[client]) == 410
    assert page_status(off, cursors[off]) == 200
    following = next_of(client, "3")
    server_of(client).refresh()  # nothing has changed
    assert page_status(client, following) == 200


def page_status(client: TestClient, cursor: str) -> int:
    return client.get("/recommendations/3", params={"limit": 3, "cursor": cursor}).status_code


def test_the_response_cache_notices_another_shift(
    world: World, connect_to: Callable[[Settings], TestClient]
) -> None:
    client = connect_to(with_recency(world.settings))
    server_of(client).refresh()
    path = "/recommendations/3?limit=100"
    before = client.get(path)
    assert client.get(path, headers={"If-None-Match": before.headers["etag"]}).status_code == 304
    rate(world.database, [f"new-{i}" for i in range(5)])
    server_of(client).refresh()
    after = client.get(path, headers={"If-None-Match": before.headers["etag"]})
    assert after.status_code == 200
    assert after.json()["items"] != before.json()["items"]


def test_recent_likes_are_the_same_after_they_were_stored(world: World) -> None:
    rate(world.database, ["a", "b", "c"])
    server = ModelReloader(world.database, ModelStore(world.settings.models_dir), 4.0, ON)
    server.poll()
    own = shift_of(server)
    assert server.current.snapshot.catalogue.counts.generation is None
    server.recount()
    stored = server.current.snapshot.catalogue.counts
    assert stored.generation == name_of(world.database)
    assert stored.basis.recent_share == ON.share
    assert (shift_of(server) == own).all()
    assert (shift_of(reloader(world)) == own).all()


def test_counts_of_the_version_before_are_not_mixed_with_recent_likes_of_another_generation(
    world: World,
) -> None:
    """It renews the other columns, and leaves these as they are."""
    rate(world.database, ["a", "b", "c"])
    server = reloader(world)
    held = server.current.snapshot.catalogue.counts
    shift = shift_of(server)
    with world.database.unit_of_work() as connection:
        shorter = np.stack([held.movie_ids, held.likes, held.ratings])[:, :-1]
        connection.execute(
            update(shared_counts).values(
                generation="before", claimed="before", counts=shorter.astype("<i8").tobytes()
            )
        )
    server.poll()
    assert server.current.snapshot.catalogue.counts is held
    server.refresh()
    renewed = server.current.snapshot.catalogue.counts
    assert renewed.generation == name_of(world.database) != "before"
    assert (shift_of(server) == shift).all()


def test_workers_with_and_without_recency_share_the_counts_of_one_that_needs_more(
    world: World,
) -> None:
    plain = make_server(world)
    plain.refresh()
    server = reloader(world)  # counts at once: what there is lacks the recent likes
    plain.refresh()
    assert plain.current.snapshot.catalogue.counts.generation == name_of(world.database)
    assert server.current.snapshot.catalogue.counts.generation == name_of(world.database)
    assert shift_of(plain) is None
    other = reloader(world, ON._replace(share=0.5))
    counts = other.current.snapshot.catalogue.counts
    assert counts.basis.recent_share == 0.5
    server.poll()
    held = server.current.snapshot.catalogue.counts
    assert held.basis.recent_share == ON.share
    assert share_after_claim(world.database, held)  # stored with the share that it was made with
    server.poll()
    assert server.current.snapshot.catalogue.counts.basis.recent_share == ON.share


def test_an_empty_database_has_no_recent_likes(database: Database, settings: Settings) -> None:
    server = ModelReloader(database, ModelStore(settings.models_dir), 4.0, ON)
    server.refresh()
    server.poll()
    counts = server.current.snapshot.catalogue.counts
    assert counts.generation == name_of(database)
    assert counts.recent_likes is not None
    assert len(counts.recent_likes) == 0

"""The Python client against a running service."""

import json
import re
import shutil
import sys
from asyncio import gather, run
from collections.abc import Callable, Iterator
from importlib import import_module
from io import BytesIO
from pathlib import Path
from types import ModuleType
from typing import Any, get_args, get_type_hints

import pytest

from app.config import Settings
from app.db.engine import Database
from recommender_client import AuthenticatedClient
from recommender_client.api.events import post_events
from recommender_client.api.health import get_ready
from recommender_client.api.models import get_model_archive, post_import
from recommender_client.api.movies import get_movie, post_movie, search_movies
from recommender_client.api.ratings import get_ratings, post_ratings, put_rating
from recommender_client.api.recommendations import get_recommendations, post_recommendations
from recommender_client.models import (
    AnonymousRecommendations,
    AnonymousRequest,
    BulkRatingsRequest,
    ErrorBody,
    EventResults,
    EventsRequest,
    FoundMovies,
    ImportedModel,
    InvalidRequestBody,
    LikeRating,
    Movie,
    MovieLikeRating,
    MovieStarsRating,
    NewMovie,
    PlainEvent,
    RatedEvent,
    Rating,
    RatingResults,
    RatingsPage,
    Ready,
    Recommendations,
    StarsRating,
    WatchedEvent,
)
from recommender_client.types import File
from tests.app import recorded_world
from tests.browser.serving import serving
from tests.security.routes import API, Route, operations

KEY = "admin.secret"
README = Path(__file__).parents[2] / "clients" / "python" / "README.md"
# What is asked for was put there, and not deleted yet.
ORDER = ("PUT", "POST", "PATCH", "GET", "DELETE")
WALK = sorted(API, key=lambda route: ORDER.index(route.method))
# What cannot go well: there is no such model, what is sent is no archive, and the experiment is
# stopped by then.
REFUSED = {"putActiveModel": 404, "postImport": 422, "getExperimentShadows": 409}


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory, migrated_sqlite_file: Path) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("client")
    shutil.copyfile(migrated_sqlite_file, folder / "recommender.db")
    settings = Settings(
        database_url=f"sqlite:///{folder / 'recommender.db'}", models_dir=folder / "models"
    )
    database = Database(settings.database_url)
    recorded_world.fill(database, settings.models_dir)
    recorded_world.add_keys(database)
    database.dispose()
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "numba", None)  # a service without it starts no training
        with serving(settings) as address:
            yield address


@pytest.fixture
def client(address: str) -> Iterator[AuthenticatedClient]:
    with AuthenticatedClient(
        base_url=address, token=KEY, raise_on_unexpected_status=True
    ) as client:
        yield client


def snake_case(name: str) -> str:
    return re.sub(r"(?=[A-Z])", "_", name).lower()


def function_of(operation: dict[str, Any]) -> ModuleType:
    (tag,) = operation["tags"]
    return import_module(f"recommender_client.api.{tag}.{snake_case(operation['operationId'])}")


def typed(body: Any, kinds: tuple[Any, ...]) -> Any:
    """Return a body as the first of these types that holds all of it."""
    if File in kinds:
        return File(BytesIO(b"no archive"))
    for kind in kinds:
        try:
            made = kind.from_dict(body)
        except (AttributeError, KeyError):
            continue
        if made.to_dict().items() >= body.items():
            return made
    raise AssertionError((body, kinds))


def arguments(route: Route, operation: dict[str, Any], send: Callable[..., Any]) -> dict[str, Any]:
    """Return what the function of a route is called with: all that must be given, and a body."""
    values = re.fullmatch(re.sub(r"{(\w+)}", r"(?P<\1>[^/]+)", route.path), route.address())
    assert values is not None
    given: dict[str, Any] = values.groupdict()
    if "run_id" in given:
        given["run_id"] = int(given["run_id"])
    for parameter in operation.get("parameters", ()):
        if parameter["in"] == "query" and parameter["required"]:
            given[parameter["name"]] = parameter["schema"]["examples"][0]
    if "requestBody" in operation:
        hint = get_type_hints(send)["body"]
        given["body"] = typed(route.body, get_args(hint) or (hint,))
    return given


def fields(text: str) -> Any:
    """Return what JSON holds, moments in one of the two forms that they have."""
    return json.loads(text.replace("+00:00", "Z"))


def test_a_walk_through_every_route(client: AuthenticatedClient) -> None:
    described = {(method, path): operation for method, path, operation in operations()}
    for route in WALK:
        operation = described.pop((route.method, route.path))
        send = function_of(operation).sync_detailed
        answer = send(client=client, **arguments(route, operation, send))
        name = operation["operationId"]
        status = int(answer.status_code)
        assert status == REFUSED.get(name, status), name
        assert status < 300 or name in REFUSED, (name, answer)
        if answer.status_code == 204:
            assert answer.parsed is None
        elif answer.headers["content-type"] == "application/json":
            assert fields(json.dumps(answer.parsed.to_dict())) == fields(answer.content.decode()), (
                name
            )
        elif isinstance(answer.parsed, File):
            assert answer.parsed.payload.read() == answer.content
        else:
            assert answer.parsed == answer.content.decode()
    assert not described


def test_ratings_are_given_and_count(client: AuthenticatedClient) -> None:
    stars = put_rating.sync("ann", 10, client=client, body=StarsRating(stars=4.5))
    assert isinstance(stars, Rating)
    assert (stars.movie_id, stars.stars, stars.liked) == (10, 4.5, True)
    like = put_rating.sync("ann", 20, client=client, body=LikeRating(liked=False))
    assert isinstance(like, Rating)
    assert (like.stars, like.liked) == (None, False)
    many = BulkRatingsRequest(
        ratings=[
            MovieLikeRating(movie_id=30, liked=True),
            MovieStarsRating(movie_id=40, stars=1),
            MovieStarsRating(movie_id=999999, stars=1),
        ]
    )
    results = post_ratings.sync("ann", client=client, body=many)
    assert isinstance(results, RatingResults)
    assert [result.status for result in results.items] == [201, 201, 404]
    assert results.items[2].error is not None
    assert results.items[2].error.error == "MovieNotFound"
    page = get_ratings.sync("ann", client=client)
    assert isinstance(page, RatingsPage)
    assert {rating.movie_id: rating.liked for rating in page.items} == {
        10: True, 20: False, 30: True, 40: False,
    }  # fmt: skip
    films = get_recommendations.sync("ann", client=client, limit=5, genre=["Drama"])
    assert isinstance(films, Recommendations)
    assert films.source == "rbm"
    assert len(films.items) == 5
    assert {film.movie_id for film in films.items}.isdisjoint({10, 20, 30, 40})


def test_keys_of_any_kind_are_sent_and_come_back(client: AuthenticatedClient) -> None:
    key, user = "sku/18 ж?", "bob smith/жук"
    added = post_movie.sync(client=client, body=NewMovie(title="New one", key=key))
    assert isinstance(added, Movie)
    assert added.movie_id == key
    movie = get_movie.sync(key, client=client)
    assert isinstance(movie, Movie)
    assert movie.title == "New one"
    rated = put_rating.sync(user, key, client=client, body=LikeRating(liked=True))
    assert isinstance(rated, Rating)
    assert rated.movie_id == key
    page = get_ratings.sync(user, client=client)
    assert isinstance(page, RatingsPage)
    assert [rating.movie_id for rating in page.items] == [key]


def test_events_of_different_kinds_go_in_one_request(client: AuthenticatedClient) -> None:
    events = EventsRequest(
        events=[
            RatedEvent(user="eve", movie_id=10, kind="rated", stars=4.5),
            WatchedEvent(user="eve", movie_id=20, kind="watched", share=0.9),
            PlainEvent(user="eve", movie_id=30, kind="seen"),
            PlainEvent(user="eve", movie_id=999999, kind="hidden"),
        ]
    )
    results = post_events.sync(client=client, body=events)
    assert isinstance(results, EventResults)
    assert [result.status for result in results.items] == [201, 201, 201, 404]


def test_what_goes_wrong_has_a_type(client: AuthenticatedClient) -> None:
    missing = get_movie.sync(999999, client=client)
    assert isinstance(missing, ErrorBody)
    assert missing.error == "MovieNotFound"
    assert missing["movie_id"] == 999999
    wrong = get_recommendations.sync("1", client=client, limit=0)
    assert isinstance(wrong, InvalidRequestBody)
    assert wrong.fields[0].location == ["query", "limit"]
    known = get_recommendations.sync_detailed("1", client=client)
    with client.with_headers({"If-None-Match": known.headers["etag"]}) as current:
        assert get_recommendations.sync_detailed("1", client=current).status_code == 304


def test_a_model_goes_out_and_in(client: AuthenticatedClient) -> None:
    archive = get_model_archive.sync(recorded_world.version_of(1), client=client)
    assert isinstance(archive, File)
    imported = post_import.sync(client=client, body=archive)
    assert isinstance(imported, ImportedModel)
    assert imported.outcome == "unchanged"


def test_pages_are_asked_for_at_once(address: str) -> None:
    async def ask() -> list[Any]:
        async with AuthenticatedClient(base_url=address, token=KEY) as client:
            return await gather(
                *(get_recommendations.asyncio(user, client=client) for user in ("1", "2")),
                search_movies.asyncio(client=client, q="matrix"),
                post_recommendations.asyncio(
                    client=client,
                    body=AnonymousRequest(ratings=[MovieLikeRating(movie_id=10, liked=True)]),
                ),
                get_ready.asyncio(client=client),
            )

    kinds = [Recommendations, Recommendations, FoundMovies, AnonymousRecommendations, Ready]
    assert [type(answer) for answer in run(ask())] == kinds


def test_the_example_runs(address: str, capsys: pytest.CaptureFixture[str]) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    for old, new in (
        ("http://127.0.0.1:8000", address),
        ("0b1c6f3fd2a4.q0Zr…", KEY),
        ("2959", "10"),
    ):
        assert old in example
        example = example.replace(old, new)
    exec(compile(example, "README.md", "exec"), {})  # noqa: S102 - our own text
    assert len(capsys.readouterr().out.splitlines()) == 5

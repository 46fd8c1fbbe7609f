"""Makes the lists of many users: those of the API, most of them by one product of matrices."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import repeat
from secrets import token_hex
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from app.feedback.identity import encode
from app.live.rules import ScenarioDefinition
from app.live.snapshot import ServedModel, Snapshot, Source
from app.ratings import repository as ratings
from app.recommendations.history import KnownRatings, known_ratings
from app.recommendations.options import MAX_USERS, BatchRequest
from app.recommendations.plan import Plan, plan
from app.recommendations.service import RecommendationService
from data.movie_keys import MovieKey
from model.fold_in import Given
from model.lists import ListMaker

# Users of one product: with 10,000 movies, its result is 10 MB.
BLOCK = 256
# Of scores: in float32 the digits behind depend on the order in which a product is summed up.
DECIMALS = 6
# Rules that a product does not know: the API's own code lists for scenarios that have others.
SIMPLE = {"filters", "boosts", "number", "sources"}


class Row(NamedTuple):
    """A movie of a list; the first one has position 1."""

    user: str
    position: int
    movie: MovieKey
    score: float
    like_probability: float
    source: str
    recommendation_id: str


Lists = dict[str, list[Row]]  # by user


class Maker(NamedTuple):
    """Makes the lists of one plan, with what their rows need."""

    lists: ListMaker
    limit: int
    keys: NDArray[np.object_]  # of the movie of each row


class ListRules(NamedTuple):
    """What is equal for all lists of a plan; the arrays have an element for each row."""

    limit: int
    allowed: NDArray[np.bool_]
    keys: NDArray[np.object_]
    like_shift: NDArray[np.float32] | None
    boost: NDArray[np.float32] | None


class User(NamedTuple):
    """A user whose list a product makes."""

    key: str
    plan: Plan
    known: KnownRatings
    seen: NDArray[np.int64]  # rows of the model


class NightlyLists:
    """Lists of `top` movies for a scenario, from one snapshot and the ratings of the moment."""

    def __init__(
        self, recommendations: RecommendationService, top: int, scenario: str | None = None
    ) -> None:
        self.recommendations = recommendations
        self.snapshot: Snapshot = recommendations.current.snapshot
        self.top = top
        self.scenario = scenario
        self._makers: dict[tuple[str | None, ...], Maker | None] = {}
        plan(self.snapshot, None, scenario)  # refuses a scenario that is not there

    def of(self, users: Sequence[str]) -> list[list[Row]]:
        """Return the list of each user."""
        made: Lists = {}
        for begin in range(0, len(users), BLOCK):
            made |= self._block(users[begin : begin + BLOCK])
        return [made[user] for user in users]

    def _block(self, users: Sequence[str]) -> Lists:
        made: Lists = {}
        for maker, theirs in self._by_maker(users):
            made |= self._by_product(maker, theirs)
        others = [user for user in users if user not in made]
        for begin in range(0, len(others), MAX_USERS):
            made |= self._by_api(others[begin : begin + MAX_USERS])
        return made

    def _by_maker(self, users: Sequence[str]) -> Iterable[tuple[Maker, list[User]]]:
        """Group the users whose lists a product can make; arms of an experiment differ."""
        service = self.recommendations
        with service.database.read() as connection:
            found = ratings.find_ratings_of_users(
                connection, users, service.like_threshold, service.half_life_days
            )
        groups: dict[int, tuple[Maker, list[User]]] = {}
        for user, rated in found.items():
            planned = plan(self.snapshot, user, self.scenario)
            maker = self._maker(planned)
            known = known_ratings(planned.snapshot, rated) if maker else None
            if maker and isinstance(known, KnownRatings):
                seen = known.model.rows_of(rated.seen) if len(rated.seen) else rated.seen
                one = User(user, planned, known, seen[seen >= 0])
                groups.setdefault(id(maker), (maker, []))[1].append(one)
        return groups.values()

    def _maker(self, planned: Plan) -> Maker | None:
        """Return what makes the lists of a plan, None where its rules need the API's own code."""
        key = (planned.experiment, planned.arm)
        if key not in self._makers:
            model = planned.snapshot.model
            is_simple = model and model.rbm.prior and _is_simple(planned.definition)
            self._makers[key] = self._new_maker(planned, model) if is_simple and model else None
        return self._makers[key]

    def rules_of_all(self) -> ListRules | None:
        """Return the rules without an experiment, None where they need the API's own code."""
        planned = plan(self.snapshot, None, self.scenario)
        model = planned.snapshot.model
        is_simple = model and model.rbm.prior and _is_simple(planned.definition)
        return self._rules(planned, model) if is_simple and model else None

    def fallback(self) -> list[Row]:
        """Return the list of a user without ratings."""
        nobody = f"nobody-{token_hex(8)}"
        return self._by_api([nobody])[nobody]

    def _rules(self, planned: Plan, model: ServedModel) -> ListRules:
        rules = planned.compiled()
        movies = list(planned.snapshot.catalogue.movies.values())
        names = np.array([movie.movie_id for movie in movies], dtype=object)
        return ListRules(
            limit=min(self.top, planned.definition.number or self.top),
            allowed=model.allowed(rules.allowed),
            keys=names[model.positions],
            like_shift=model.like_shift,
            boost=None if rules.shift is None else rules.shift[model.positions],
        )

    def _new_maker(self, planned: Plan, model: ServedModel) -> Maker:
        rules = self._rules(planned, model)
        lists = ListMaker(model.rbm, rules.allowed, like_shift=rules.like_shift, boost=rules.boost)
        return Maker(lists, rules.limit, rules.keys)

    def _by_product(self, maker: Maker, users: Sequence[User]) -> Lists:
        """Return the lists that are certain."""
        given = [Given(user.known.rows, user.known.liked, user.known.weights) for user in users]
        made = maker.lists.lists(given, [user.seen for user in users], maker.limit)
        columns = zip(
            users,
            maker.keys[made.rows].tolist(),
            _rounded(made.score),
            _rounded(made.like_given_seen),
            made.certain.tolist(),
            strict=True,
        )
        secret = self.snapshot.rules.secret
        return {
            user.key: _rows(
                user.key, movies, scores, probabilities, repeat(Source.RBM.value),
                encode(secret, user.key, user.plan.origin),
            )
            for user, movies, scores, probabilities, is_certain in columns
            if is_certain
        }  # fmt: skip

    def _by_api(self, users: Sequence[str]) -> Lists:
        asked: dict[str, Any] = {"users": list(users), "limit": self.top, "explain": 0}
        if self.scenario is not None:
            asked["scenario"] = self.scenario
        request = BatchRequest.model_validate(asked)
        made: Lists = {}
        answers = self.recommendations.recommend_batch(request).items
        for user, answer in zip(users, answers, strict=True):
            items = answer.items
            made[user] = _rows(
                user,
                [item.movie_id for item in items],
                _rounded(np.array([item.score for item in items])),
                _rounded(np.array([item.like_probability for item in items])),
                [item.source.value for item in items],
                answer.recommendation_id,
            )
        return made


def _is_simple(definition: ScenarioDefinition) -> bool:
    """Tell whether a product can make the lists: the model's, filtered and boosted."""
    others = set(type(definition).model_fields) - SIMPLE
    plain = ScenarioDefinition()
    return definition.sources[0] == "rbm" and all(
        getattr(definition, name) == getattr(plain, name) for name in others
    )


def _rows(
    user: str,
    movies: Sequence[MovieKey],
    scores: Sequence[float],
    probabilities: Sequence[float],
    sources: Iterable[str],
    recommendation_id: str,
) -> list[Row]:
    places = range(1, len(movies) + 1)
    columns = (movies, scores, probabilities, sources, repeat(recommendation_id))
    return list(map(Row._make, zip(repeat(user), places, *columns, strict=False)))


def _rounded(values: NDArray[np.floating]) -> list[Any]:
    rounded: list[Any] = np.round(values.astype(np.float64), DECIMALS).tolist()
    return rounded

"""The rules of scenarios, each against its definition, for drawn rules, movies and users."""

from collections import Counter
from dataclasses import replace
from itertools import pairwise
from math import exp, floor, log1p
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from app.http import cursors
from app.http.cursors import CursorExpiredError
from app.live.catalogue import ALWAYS, NEVER, Availability, Catalogue, CatalogueMovie
from app.live.counts import Basis, Counts
from app.live.drift import Origin
from app.live.recency import OFF
from app.live.rules import Scenario, ScenarioDefinition
from app.live.snapshot import LoadedModel, Snapshot, Source
from app.live.trends import BUCKET_S, LikesByTime
from app.ratings.repository import UserRatings
from app.recommendations.building import Wishes, build
from app.recommendations.compiled import RATINGS_OF_NEW
from app.recommendations.history import History
from app.recommendations.options import Options
from app.recommendations.pages import page
from app.recommendations.plan import Plan
from app.recommendations.schemas import RecommendationsCursor, RecommendedMovie
from model.coarse import coarse
from model.rbm import RBM
from model.scoring import score_user
from tests.app.world import make_rbm
from tests.model.machines import with_everything

N_MOVIES, N_USERS = 30, 50
AT = 1_795_000_000
IDS = [10 * i for i in range(1, N_MOVIES + 1)]
KNOWN = [7, *IDS[:24]]  # to the model
GENRES = ["Comedy", "Drama", "Crime"]
PLAIN = make_rbm(3, KNOWN)
WITH_PRIOR = replace(with_everything(3, len(KNOWN)), movie_ids=np.array(KNOWN))
LARGE = replace(WITH_PRIOR, coarse=coarse(WITH_PRIOR.W))


class Drawn(NamedTuple):
    """A world, and a user in it."""

    snapshot: Snapshot
    history: History
    seed: int

    def __repr__(self) -> str:
        """Show the user alone: a failure names what was drawn."""
        return repr(self.history)

    @property
    def movies(self) -> dict[int, CatalogueMovie]:
        return dict(self.snapshot.catalogue.movies)

    def may_be_shown(self, id_: int, rules: ScenarioDefinition) -> bool:
        """Apply the filters one by one, as the documentation has them."""
        movie, filters, catalogue = self.movies[id_], rules.filters, self.snapshot.catalogue
        begin, end = movie.availability
        own = set(movie.genres)
        ratings = catalogue.ratings[IDS.index(id_)]
        return (
            begin <= AT < end
            and id_ not in self.history.not_shown
            and id_ not in filters.exclude
            and (not filters.genre or bool(own & set(filters.genre)))
            and not own & set(filters.exclude_genre)
            and (filters.year_from is None or (movie.year or -1) >= filters.year_from)
            and ratings >= filters.min_ratings
            and ("studio" in movie.attributes or not filters.attribute)
        )

    def boost(self, id_: int, rules: ScenarioDefinition) -> float:
        """Add the boosts one by one."""
        movie, likes = self.movies[id_], self.snapshot.catalogue.likes
        latest = max(each.year or 0 for each in self.movies.values())
        total = 0.0
        for boost in rules.boosts:
            if boost.by == "popularity" and likes.max():
                total += boost.weight * log1p(likes[IDS.index(id_)]) / log1p(likes.max())
            if boost.by == "recency" and movie.year:
                total += boost.weight * 2 ** (-(latest - movie.year) / boost.half_life_years)
            if boost.by == "genre":
                total += boost.weight * (boost.genre in movie.genres)
            if boost.by == "attribute":
                total += boost.weight * ("studio" in movie.attributes)
        return total

    def plan(self, rules: ScenarioDefinition) -> Plan:
        return Plan(self.snapshot, "home", Scenario("home", 1, rules))


def make_snapshot(seed: int, version: str | None = "v1", rbm: RBM = PLAIN) -> Snapshot:
    """Make movies that differ in all that rules are about, with a model or without."""
    chance = np.random.default_rng(seed)
    movies = {}
    for id_ in IDS:
        genres = tuple(name for name in GENRES if chance.random() < 0.4)
        year = int(chance.integers(1990, 2000)) if chance.random() < 0.9 else None
        studio = {"studio": "Ghibli"} if chance.random() < 0.4 else {}
        gone = Availability(NEVER, AT) if chance.random() < 0.1 else ALWAYS
        movies[id_] = CatalogueMovie(id_, f"Movie {id_}", year, genres, studio, gone)
    ratings = chance.integers(0, 2 * RATINGS_OF_NEW, N_MOVIES)
    likes = chance.integers(0, ratings + 1)
    lately = LikesByTime(
        np.array(IDS), np.full(N_MOVIES, AT // BUCKET_S - 4), chance.integers(0, 3, N_MOVIES)
    )
    counts = Counts(
        np.array(IDS), likes, ratings, N_USERS, Basis(1, None, 4.0), 0.0, None, by_time=lately
    )
    loaded = LoadedModel.of(version, rbm, Origin(None, None)) if version else None
    return Snapshot.of(Catalogue.of(movies, counts), loaded, OFF, at=AT)


@st.composite
def worlds(draw: Any) -> Drawn:
    """Draw movies, and a user who has rated, seen and been shown some."""
    seed = draw(st.integers(0, 2**32))
    snapshot = make_snapshot(seed, "v1" if draw(st.integers(0, 5)) else None)
    chance = np.random.default_rng(seed)
    acted = chance.choice(IDS, draw(st.integers(0, 12)), replace=False)
    n_rated = draw(st.integers(0, len(acted)))
    rated, others = np.sort(acted[:n_rated]), acted[n_rated:]
    liked = chance.random(n_rated) < 0.6
    user = UserRatings(1, rated, liked, seen=np.sort(others[::2]))
    last = int(rated[liked][-1]) if liked.any() else None
    return Drawn(snapshot, History(user, last, np.sort(others[1::2])), seed)


FILTERS = st.fixed_dictionaries(
    {},
    optional={
        "genre": st.lists(st.sampled_from(GENRES), max_size=2),
        "exclude_genre": st.lists(st.sampled_from(GENRES), max_size=1),
        "year_from": st.integers(1988, 1996),
        "exclude": st.lists(st.sampled_from(IDS), max_size=5),
        "min_ratings": st.integers(0, 5),
        "attribute": st.just(["studio:Ghibli"]),
    },
)
WEIGHTS = st.integers(-3, 3).map(float)
BOOSTS = st.lists(
    st.one_of(
        st.fixed_dictionaries({"by": st.just("popularity"), "weight": WEIGHTS}),
        st.fixed_dictionaries({"by": st.just("recency"), "weight": WEIGHTS}),
        st.fixed_dictionaries(
            {"by": st.just("genre"), "weight": WEIGHTS, "genre": st.sampled_from(GENRES)}
        ),
        st.fixed_dictionaries(
            {"by": st.just("attribute"), "weight": WEIGHTS, "attribute": st.just("studio:Ghibli")}
        ),
    ),
    max_size=3,
)
PINS = st.dictionaries(st.sampled_from(IDS), st.integers(1, 12), max_size=4).map(
    lambda pins: [
        {"movie_id": id_, "position": place}
        for place, id_ in {p: i for i, p in pins.items()}.items()
    ]
)
SOURCES = st.lists(
    st.sampled_from(["rbm", "similar", "trending", "popular"]), min_size=1, unique=True
)
RULES = st.fixed_dictionaries(
    {},
    optional={
        "filters": FILTERS,
        "boosts": BOOSTS,
        "pins": PINS,
        "number": st.integers(12, 25),
        "max_per_genre": st.integers(1, 6),
        "sources": SOURCES,
        "exploration": st.sampled_from([0.1, 0.25, 0.5]),
        "diversity": st.sampled_from([0.0, 0.3]),
        "not_again_days": st.just(7),
    },
).map(
    lambda rules: ScenarioDefinition.model_validate(
        rules if "number" in rules else {k: v for k, v in rules.items() if k != "max_per_genre"}
    )
)


def walk(
    drawn: Drawn, rules: ScenarioDefinition, limit: int, **more: Any
) -> list[RecommendedMovie]:
    """Read a list page by page."""
    items: list[RecommendedMovie] = []
    following: str | None = ""
    while following is not None:
        cursor = cursors.decode(RecommendationsCursor, following)
        options = Options(limit=limit, explain=0, **more)
        answer = page(drawn.plan(rules), "1", drawn.history, options, cursor, 1000 * AT)
        assert len(answer.items) == limit or answer.next is None
        items += answer.items
        following = answer.next
    return items


@settings(deadline=None, max_examples=80)
@given(worlds(), RULES, st.integers(1, 12))
def test_no_list_breaks_a_rule(drawn: Drawn, rules: ScenarioDefinition, limit: int) -> None:
    items = walk(drawn, rules, limit)
    listed = [int(item.movie_id) for item in items]
    assert walk(drawn, rules, 100) == items
    assert len(set(listed)) == len(listed)
    assert all(drawn.may_be_shown(id_, rules) for id_ in listed)
    assert len(listed) <= (rules.number or N_MOVIES)
    of_genre = Counter(name for item in items for name in item.genres)
    assert max(of_genre.values(), default=0) <= (rules.max_per_genre or N_MOVIES)
    assert {str(item.source) for item in items if not item.pinned} <= {*rules.sources, "new"}


@settings(deadline=None, max_examples=60)
@given(worlds(), RULES)
def test_pins_are_in_their_places_for_everyone_who_may_be_shown_them(
    drawn: Drawn, rules: ScenarioDefinition
) -> None:
    assume(rules.pins)
    items = walk(drawn, rules, 100)
    wanted = {pin.position: pin.movie_id for pin in rules.pins}
    wanted = {at: id_ for at, id_ in wanted.items() if drawn.may_be_shown(int(id_), rules)}
    pinned = [item.movie_id for item in items if item.pinned]
    if rules.max_per_genre is None:
        assert pinned == [id_ for _, id_ in sorted(wanted.items())]
    for place, item in enumerate(items, 1):
        if item.pinned and any(not each.pinned for each in items[place:]):
            assert wanted[place] == item.movie_id


@settings(deadline=None, max_examples=60)
@given(worlds(), RULES)
def test_a_boost_is_an_exact_shift_of_the_log_odds_and_orders_the_list(
    drawn: Drawn, rules: ScenarioDefinition
) -> None:
    boosts, model, rated = rules.boosts, drawn.snapshot.model, drawn.history.ratings
    assert rated is not None
    plain = dict(zip(KNOWN, score_user(PLAIN, *_known(rated))[0].tolist(), strict=True))
    items = walk(drawn, rules.model_copy(update={"diversity": 0.0}), 100)
    for item in items:
        shift = drawn.boost(int(item.movie_id), rules)
        assert item.boost == pytest.approx(shift, abs=1e-5)
        if str(item.source) == "rbm":
            score, odds = plain[int(item.movie_id)], exp(shift)
            expected = score * odds / (1 - score + score * odds)
            assert item.score == pytest.approx(expected, rel=1e-5)
    ranked = [item for item in items if not item.pinned and str(item.source) != "new"]
    sources = [item.source for item in ranked]
    assert sources == sorted(sources, key=[*map(Source, rules.sources)].index)
    for one, other in pairwise(ranked):
        assert one.source != other.source or one.score >= other.score
    assert boosts or model is None or all(item.boost == 0 for item in items)


@settings(deadline=None, max_examples=25)
@given(worlds(), RULES, st.integers(1, 12))
def test_two_stages_make_the_list_of_one(
    drawn: Drawn, rules: ScenarioDefinition, limit: int
) -> None:
    assume(drawn.snapshot.model)
    one, two = (make_snapshot(drawn.seed, rbm=rbm) for rbm in (WITH_PRIOR, LARGE))
    assert two.model is not None
    assert two.model.stages is not None
    whole = walk(drawn._replace(snapshot=one), rules, 100)
    items = walk(drawn._replace(snapshot=two), rules, limit)
    assert [item.movie_id for item in items] == [item.movie_id for item in whole]
    for item, same in zip(items, whole, strict=True):
        assert item.score == pytest.approx(same.score, abs=1e-6)
        assert item.like_probability == pytest.approx(same.like_probability, abs=1e-6)


def _known(rated: UserRatings) -> tuple[Any, Any]:
    known = [
        (KNOWN.index(id_), like)
        for id_, like in zip(rated.movie_ids, rated.liked, strict=True)
        if id_ in KNOWN
    ]
    rows = np.array([row for row, _ in known], dtype=np.int64)
    return rows, np.array([like for _, like in known], dtype=np.bool_)


@settings(deadline=None, max_examples=60)
@given(worlds(), RULES)
def test_a_list_that_ends_with_popular_movies_has_every_movie_that_may_be_shown(
    drawn: Drawn, rules: ScenarioDefinition
) -> None:
    whole = rules.model_copy(
        update={"sources": ["similar", "rbm", "popular"], "number": None, "max_per_genre": None}
    )
    listed = {item.movie_id for item in walk(drawn, whole, 7)}
    assert listed == {id_ for id_ in IDS if drawn.may_be_shown(id_, rules)}


@settings(deadline=None, max_examples=60)
@given(worlds(), st.sampled_from([0.1, 0.25, 0.5]))
def test_the_share_of_places_for_new_movies_is_kept_while_there_are_some(
    drawn: Drawn, share: float
) -> None:
    items = walk(drawn, ScenarioDefinition(exploration=share), 100)
    new = [str(item.source) == "new" for item in items]
    last = max((place for place, is_new in enumerate(new) if is_new), default=-1)
    for n in range(last + 1):
        assert floor(share * n) <= sum(new[:n]) <= floor(share * n) + 1
    known = set(KNOWN) if drawn.snapshot.model else set(IDS)
    for item in items:
        ratings = drawn.snapshot.catalogue.ratings[IDS.index(int(item.movie_id))]
        if str(item.source) == "new":
            assert ratings < RATINGS_OF_NEW or item.movie_id not in known


@settings(deadline=None, max_examples=3)
@given(worlds())
def test_new_movies_all_get_their_chance_over_the_days(drawn: Drawn) -> None:
    rules = ScenarioDefinition(exploration=0.5, number=2)
    plan = drawn.plan(rules)
    shown = set()
    for day in range(400):
        wishes = Wishes(at=day * 86_400_000)
        ranking, _ = build(plan, plan.compiled(), "1", drawn.history, wishes)
        shown |= {item.movie_id for item in ranking.page(0, 2, 0) if str(item.source) == "new"}
    left = [IDS[at] for at in plan.compiled().new if drawn.may_be_shown(IDS[at], rules)]
    assert shown == set(left)


@settings(deadline=None, max_examples=40)
@given(worlds(), worlds(), RULES)
def test_a_cursor_never_goes_on_in_another_list(
    drawn: Drawn, other: Drawn, rules: ScenarioDefinition
) -> None:
    options = Options(limit=3, explain=0)
    first = page(drawn.plan(rules), "1", drawn.history, options, None, 1000 * AT)
    assume(first.next is not None)
    cursor = cursors.decode(RecommendationsCursor, first.next or "")
    changed = drawn._replace(snapshot=other.snapshot)
    try:
        second = page(changed.plan(rules), "1", changed.history, options, cursor, 1000 * AT)
    except CursorExpiredError:
        return
    # The movies may be described anew, but they are those of the other list, in its order.
    both = [item.movie_id for item in first.items + second.items]
    assert both == [item.movie_id for item in walk(changed, rules, 3)[:6]]

"""Scenarios, filters and movies, drawn by Hypothesis."""

from typing import Any

from hypothesis import strategies as st

from tests.stateful.plain_rules import Film

GENRES = ("Action", "Comedy", "Drama", "War")
YEARS = (None, 1990, 1995, 2000, 2005)
N_FILMS = 24


def film(id_: int) -> Film:
    """Return a movie as it is at the beginning."""
    attributes: dict[str, Any] = {"studio": "AB"[id_ % 2]} if id_ % 3 else {}
    if id_ % 4:
        attributes["price"] = 5 * (id_ % 5)
    return Film(GENRES[id_ % 4 : id_ % 4 + 1 + id_ % 3], YEARS[id_ % 5], attributes)


FILMS = {id_: film(id_) for id_ in range(1, N_FILMS + 1)}
# The first model knows a movie that is not there; neither knows all.
KNOWN = {
    "20261120T101501Z-0001": [*range(1, 17), 99],
    "20261120T101502Z-0002": [*range(7, 21)],
}

IDS = st.integers(1, N_FILMS + 1)
NAMES = st.sampled_from(["home", "mail"])
SOME_GENRES = st.lists(st.sampled_from(GENRES), min_size=1, max_size=2, unique=True)
SOME_YEARS = st.integers(1990, 2005)
ATTRIBUTES = st.lists(
    st.sampled_from(["studio:A", "studio:B", "price:0..10", "price:5", "price:..15"]),
    min_size=1, max_size=2, unique=True,
)  # fmt: skip
REQUEST_FILTERS = st.fixed_dictionaries(
    {}, optional={"genre": SOME_GENRES, "year_from": SOME_YEARS,
                  "exclude": st.lists(IDS, min_size=1, max_size=3)},
)  # fmt: skip
FILTERS = st.fixed_dictionaries(
    {},
    optional={
        "genre": SOME_GENRES,
        "exclude_genre": SOME_GENRES,
        "year_from": SOME_YEARS,
        "year_to": SOME_YEARS,
        "exclude": st.lists(IDS, min_size=1, max_size=4),
        "min_ratings": st.integers(1, 2),
        "attribute": ATTRIBUTES,
    },
)
WEIGHTS = st.sampled_from([-3.0, 0.5, 4.0])
BOOSTS = st.one_of(
    st.builds(lambda w: {"by": "popularity", "weight": w}, WEIGHTS),
    st.builds(lambda w: {"by": "recency", "weight": w, "half_life_years": 3.0}, WEIGHTS),
    st.builds(lambda w, g: {"by": "genre", "weight": w, "genre": g}, WEIGHTS,
              st.sampled_from(GENRES)),
    st.builds(lambda w: {"by": "attribute", "weight": w, "attribute": "studio:A"}, WEIGHTS),
)  # fmt: skip
PINS = st.dictionaries(st.integers(1, 6), IDS, min_size=1, max_size=3).map(
    lambda pins: [
        {"movie_id": id_, "position": place}
        for id_, place in {id_: place for place, id_ in pins.items()}.items()
    ]
)
SOURCES = st.lists(
    st.sampled_from(["rbm", "similar", "trending", "popular"]), min_size=1, max_size=4, unique=True
)


@st.composite
def definitions(draw: st.DrawFn) -> dict[str, Any]:
    """Draw the definition of a scenario."""
    optional = {
        "filters": FILTERS,
        "boosts": st.lists(BOOSTS, min_size=1, max_size=3),
        "pins": PINS,
        "diversity": st.just(0.5),
        "number": st.integers(6, 12),
        "sources": SOURCES,
        "exploration": st.sampled_from([0.3, 0.5]),
        "not_again_days": st.just(7),
    }
    definition = draw(st.fixed_dictionaries({}, optional=optional))
    if "number" in definition and draw(st.booleans()):
        definition["max_per_genre"] = draw(st.integers(1, 3))
    return definition

"""Two figures of *How it works*: a pass up and a pass down, as lines between movies and units."""

import numpy as np

from docs.site.drawing import Drawing
from docs.site.machines import TITLES, Array, pass_up_and_down, six_movies, user
from model.rbm import DISLIKE, LIKE

LIKED, DISLIKED = ("Memento",), ("Shrek",)
UNIT_NAMES = ("unit 1", "unit 2")
WIDTH = 640


def up_pass() -> Drawing:
    """Draw two ratings that switch hidden units on and off."""
    v = user(LIKED, DISLIKED)
    hidden, _ = pass_up_and_down(v)
    told = f"unit 1 is on with probability {hidden[0]:.2f}, unit 2 with {hidden[1]:.2f}."
    drawing = _network("The upward pass", f"Memento is liked and Shrek disliked: {told}")
    states = v.reshape(-1, 2)
    for movie in np.flatnonzero(states.any(axis=1)).tolist():
        state = LIKE if states[movie, LIKE] else DISLIKE
        _links(drawing, movie, six_movies().W[movie, state])
    _units(drawing, hidden)
    for movie, (like, dislike) in enumerate(states):
        said = "liked" if like else "disliked" if dislike else "not seen"
        kind = "lead" if like else "contrast" if dislike else "ring"
        drawing.circle(*_movie(movie), 9, kind)
        drawing.text(_movie(movie)[0] - 18, _movie(movie)[1] + 1, TITLES[movie], "end")
        drawing.text(_movie(movie)[0] - 18, _movie(movie)[1] + 15, said, "end muted small")
    return drawing


def down_pass() -> Drawing:
    """Draw hidden units that reconstruct movies which were not seen."""
    v = user(LIKED, DISLIKED)
    hidden, visible = pass_up_and_down(v)
    drawing = _network(
        "The downward pass",
        "The hidden units give each movie that was not seen a probability to be liked; those of "
        "Fight Club and The Departed are highest.",
    )
    for movie in range(len(TITLES)):
        _links(drawing, movie, six_movies().W[movie, LIKE] * hidden)
    _units(drawing, hidden)
    given: Array = v.reshape(-1, 2).max(axis=1) > 0
    for movie, (like, dislike) in enumerate(visible):
        x, y = _movie(movie)
        drawing.circle(x, y, 9, "ring" if not given[movie] else "muted")
        drawing.text(x - 18, y + 1, TITLES[movie], "end muted" if given[movie] else "end")
        note = "given" if given[movie] else f"like {like:.2f}, dislike {dislike:.2f}"
        drawing.text(x - 18, y + 15, note, "end muted small")
    return drawing


def _network(title: str, description: str) -> Drawing:
    return Drawing(WIDTH, 310, title=title, description=description)


def _movie(row: int) -> tuple[float, float]:
    return 230, 30 + 50 * row


def _unit(column: int) -> tuple[float, float]:
    return 480, 85 + 140 * column


def _units(drawing: Drawing, hidden: Array) -> None:
    for unit, probability in enumerate(hidden):
        x, y = _unit(unit)
        drawing.circle(x, y, 24, "lead", opacity=0.1 + 0.9 * probability)
        drawing.circle(x, y, 24, "ring")
        drawing.text(x + 34, y, UNIT_NAMES[unit], "strong")
        drawing.text(x + 34, y + 17, f"P(on) = {probability:.2f}", "muted")


def _links(drawing: Drawing, movie: int, weights: Array) -> None:
    """Draw the weights of a movie: blue for, orange against, the thicker the larger."""
    for unit, weight in enumerate(weights):
        (x, y), (end, height) = _movie(movie), _unit(unit)
        drawing.line(
            (x + 10, y), (end - 25, height), f"line {'lead' if weight >= 0 else 'contrast'}",
            width=0.5 + 3 * min(abs(float(weight)), 2), opacity=0.8,
        )  # fmt: skip

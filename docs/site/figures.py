"""The figures of *How it works*, computed by the code of the machine itself.

`python -m docs.site.figures` renews those in `docs/how-it-works/figures/`.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from app.core.scales import Scale, ticks
from docs.site.drawing import Drawing, signed
from docs.site.machines import (
    DARK,
    RATE,
    TITLES,
    Array,
    all_visible,
    gibbs_step,
    invented_users,
    likes,
    negative_log_probability,
    six_movies,
    states_by_energy,
    two_by_two,
    untrained,
    updated,
    worked_example,
)
from docs.site.networks import down_pass, up_pass
from docs.site.profiles import ndcg_by_ratings
from model.draws import sample_hidden
from model.rbm import LIKE, RBM, activity
from model.sampling import sample_visible

FOLDER = Path(__file__).parents[1] / "how-it-works" / "figures"
WIDTH = 640


def states() -> Drawing:
    """Draw energy and probability of the 16 states of two visible and two hidden units."""
    rows = states_by_energy(two_by_two())
    drawing = Drawing(
        WIDTH, 30 + 22 * len(rows), title="Energies and probabilities of 16 states",
        description="A table of all states of two visible and two hidden units, from the lowest "
        "energy to the highest, their probabilities as bars: the lower the energy, the longer.",
    )  # fmt: skip
    for x, name in ((20, "v"), (75, "h"), (175, "E(v, h)"), (215, "P(v, h)")):
        drawing.text(x, 18, name, "muted end" if name.startswith("E") else "muted")
    length = Scale(0, max(p for *_, p in rows), 0, 330)
    for row, (v, h, energy, probability) in enumerate(rows):
        y = 40 + 22 * row
        drawing.text(20, y, " ".join(map(str, v)))
        drawing.text(75, y, " ".join(map(str, h)))
        drawing.text(175, y, signed(energy, 1), "end")
        drawing.box((215, y - 11), (length(probability), 13), "lead", opacity=0.75)
        drawing.text(223 + length(probability), y, f"{probability:.3f}", "small")
    return drawing


def statistics() -> Drawing:
    """Draw positive and negative statistics of the six movies, before and after training."""
    drawing = Drawing(
        WIDTH, 420, title="Positive and negative statistics",
        description="Mean of v h for each movie and hidden unit, in the data and in what the "
        "machine reconstructs, and their difference; above before training, below after it, where "
        "the difference is near zero.",
    )  # fmt: skip
    for part, (name, rbm) in enumerate((("before training", untrained()), ("after", six_movies()))):
        top = 40 + 205 * part
        positive, negative = _statistics(rbm)
        drawing.text(20, top - 12, name, "strong")
        for column, (head, values) in enumerate(
            (("data", positive), ("reconstruction", negative), ("difference", positive - negative))
        ):
            x = 150 + 165 * column
            drawing.text(x + 53, top - 12, head, "middle muted")
            drawing.matrix((x, top), values, cell=(54, 26), largest=0.35)
        for movie, title in enumerate(TITLES):
            drawing.text(140, top + 26 * movie + 17, title, "end")
    return drawing


def worked_step() -> Drawing:
    """Draw the statistics of the worked example, and what they make of the weights."""
    step = worked_example()
    positive, negative = np.outer(step.v0, step.p0), np.outer(step.v1, step.p1)
    after = updated(step)
    drawing = Drawing(
        WIDTH, 130, title="One step of the worked example",
        description="The statistics of the data minus those of the reconstruction, times the "
        "learning rate, are added to the weights.",
    )  # fmt: skip
    parts = (
        ("v₀ p₀ᵀ", positive, 4), ("v₁ p₁ᵀ", negative, 4), ("ΔW = κ (v₀ p₀ᵀ − v₁ p₁ᵀ)",
         RATE * (positive - negative), 4), ("W after the step", after.W[:, LIKE], 4),
    )  # fmt: skip
    for column, (name, values, decimals) in enumerate(parts):
        x = 14 + 160 * column
        drawing.text(x + 67, 30, name, "middle")
        drawing.matrix((x, 44), values, cell=(68, 32), largest=0.8, decimals=decimals)
        if column < len(parts) - 1:
            drawing.text(x + 146, 82, ("−", "→", "→")[column], "middle muted")
    return drawing


def energy_curve() -> Drawing:
    """Draw −log P(v) of all states of three movies, before and after training."""
    V, trained = all_visible(3), _three_movies(six_movies())
    t = 0.0
    before = negative_log_probability(_three_movies(untrained()), V, t)
    after = negative_log_probability(trained, V, t)
    drawing = Drawing(
        WIDTH, 300, title="The energy curve before and after training",
        description="Minus the logarithm of the probability of each of 27 states of three movies, "
        "nearly flat with random weights; after training it has valleys at the states of users.",
    )  # fmt: skip
    marks = ticks(float(min(before.min(), after.min())), float(max(before.max(), after.max())))
    x, y = Scale(0, len(V) - 1, 60, WIDTH - 30), Scale(marks[0], marks[-1], 235, 30)
    for mark in marks:
        drawing.line((60, y(mark)), (WIDTH - 30, y(mark)), "grid")
        drawing.text(52, y(mark) + 4, f"{mark:g}", "end muted small")
    for values, kind in ((before, "dashed"), (after, "lead")):
        drawing.curve([(x(n), y(value)) for n, value in enumerate(values)], kind)
    for n in range(len(V)):
        _letters(drawing, x(n), V[n])
    lowest = int(after.argmin())
    drawing.circle(x(lowest), y(before[lowest]), 5, "ring")
    drawing.circle(x(lowest), y(after[lowest]), 5, "contrast")
    drawing.text(60, 18, "−log P(v), nats", "muted small")
    drawing.text(WIDTH - 30, 18, "dashed: random weights · blue: trained", "end muted small")
    drawing.text(60, 292, "Each column is a state of Fight Club, The Departed and Toy Story: "
                 "+ liked, − disliked, · unseen.", "muted small")  # fmt: skip
    return drawing


def gibbs() -> Drawing:
    """Draw how often a chain visits each state, beside the probability of the state."""
    rbm, rng, n = two_by_two(), np.random.default_rng(5), 3000
    v, counts, share = likes([1, 0]), np.zeros(4), []
    exact = _visible_probabilities(rbm)
    for step in range(1, n + 1):
        v = gibbs_step(rbm, v, rng)
        counts[int(2 * v[0, 0] + v[0, 2])] += 1
        share.append(float(np.abs(counts / step - exact).max()))
    drawing = Drawing(
        WIDTH, 230, title="A Gibbs chain",
        description="Left: the probability of the four visible states and how often a chain of "
        "3,000 steps was there. Right: the largest difference of the two as the chain goes on.",
    )  # fmt: skip
    height = Scale(0, 0.4, 180, 40)
    for state in range(4):
        x = 40 + 60 * state
        drawing.box(
            (x, height(exact[state])), (18, 180 - height(exact[state])), "muted", opacity=0.6
        )
        chain = counts[state] / n
        drawing.box((x + 20, height(chain)), (18, 180 - height(chain)), "lead")
        drawing.text(x + 19, 198, f"{state // 2} {state % 2}", "middle")
    drawing.text(40, 20, "exact (grey), chain (blue)", "muted small")
    drawing.text(40, 220, "visible state", "muted small")
    x_of, y_of = Scale(0, np.log10(n), 330, WIDTH - 20), Scale(0, 1, 180, 40)
    for mark in (0.0, 0.5, 1.0):
        drawing.line((330, y_of(mark)), (WIDTH - 20, y_of(mark)), "grid")
        drawing.text(324, y_of(mark) + 4, f"{mark:g}", "end muted small")
    for power in range(4):
        drawing.text(x_of(power), 198, f"{10**power:,}", "middle muted small")
    kept = np.unique(np.geomspace(1, n, 150).astype(int))
    drawing.curve([(x_of(np.log10(k)), y_of(share[k - 1])) for k in kept], "lead")
    drawing.text(330, 20, "largest difference", "muted small")
    drawing.text(WIDTH - 20, 220, "steps of the chain", "end muted small")
    return drawing


def thinning() -> Drawing:
    """Draw how good lists are after few ratings, with and without the prior."""
    numbers, plain, prior = ndcg_by_ratings()
    drawing = Drawing(
        WIDTH, 260, title="Lists after few ratings",
        description="NDCG@100 on held-out users of the sample who give their first ratings only: "
        "with the prior of fold-in it is higher, most of all where ratings are few.",
    )  # fmt: skip
    marks = ticks(min(plain), max(prior))
    x, y = Scale(0, len(numbers) - 1, 70, WIDTH - 160), Scale(marks[0], marks[-1], 200, 30)
    for mark in marks:
        drawing.line((70, y(mark)), (WIDTH - 160, y(mark)), "grid")
        drawing.text(62, y(mark) + 4, f"{mark:g}", "end muted small")
    for place, number in enumerate(numbers):
        drawing.text(x(place), 220, number, "middle muted small")
    for values, kind, name in (
        (plain, "contrast", "upward pass alone"),
        (prior, "lead", "with the prior"),
    ):
        drawing.curve([(x(n), y(value)) for n, value in enumerate(values)], kind)
        for n, value in enumerate(values):
            drawing.circle(x(n), y(value), 3, kind)
        drawing.text(
            WIDTH - 150, y(values[-1]) + (10 if values is plain else 0), name, f"{kind} strong"
        )
    drawing.text(70, 18, "NDCG@100", "muted small")
    drawing.text((70 + WIDTH - 160) / 2, 244, "ratings given", "middle muted small")
    return drawing


def couplings() -> Drawing:
    """Draw correlations of likes beside partial correlations, which the couplings are."""
    X = invented_users().toarray()[:, LIKE::2]
    correlation = np.corrcoef(X.T)
    P = np.linalg.inv(np.cov(X.T) + 0.01 * np.eye(len(TITLES)))
    partial = -P / np.sqrt(np.outer(P.diagonal(), P.diagonal()))
    drawing = Drawing(
        WIDTH, 230, title="Correlations and couplings",
        description="Left: likes of movies of one kind are all correlated. Right: with the others "
        "held fixed, the pair of a movie and its sequel stands out.",
    )  # fmt: skip
    for part, (name, values) in enumerate(
        (("correlation", correlation), ("partial correlation", partial))
    ):
        np.fill_diagonal(values, 0)
        left = 130 + 262 * part
        drawing.text(left + 120, 20, name, "middle muted")
        drawing.matrix((left, 32), values, cell=(40, 28), largest=0.8)
    for movie, title in enumerate(TITLES):
        drawing.text(122, 32 + 28 * movie + 18, title, "end")
    drawing.text(130, 220, "rows and columns: the six movies, in the same order", "muted small")
    return drawing


FIGURES: dict[str, Callable[[], Drawing]] = {
    "states": states,
    "up-pass": up_pass,
    "down-pass": down_pass,
    "statistics": statistics,
    "worked-step": worked_step,
    "energy-curve": energy_curve,
    "gibbs": gibbs,
    "thinning": thinning,
    "couplings": couplings,
}


def drawn() -> Iterator[tuple[str, str]]:
    """Yield name and text of each figure."""
    for name, draw in FIGURES.items():
        yield f"{name}.svg", draw().svg()


def write(folder: Path = FOLDER) -> None:
    """Write all figures."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in drawn():
        (folder / name).write_text(text, encoding="utf-8")


def _statistics(rbm: RBM) -> tuple[Array, Array]:
    """Return <v h> of likes in the data and in a reconstruction, shape (movies, hidden)."""
    V, rng = invented_users(), np.random.default_rng(1)
    t = activity(np.asarray(V.sum(axis=1)).reshape(-1), rbm.mean_ratings)
    V = V[np.tile(np.arange(V.shape[0]), 20)]  # many draws, so that little of it is chance
    P0 = rbm.hidden_probability(V)
    V1 = sample_visible(rbm, sample_hidden(P0, rng), np.tile(t, 20), rng)
    P1 = rbm.hidden_probability(V1)
    return (V.T @ P0)[LIKE::2] / V.shape[0], (V1.T @ P1)[LIKE::2] / V.shape[0]


def _three_movies(rbm: RBM) -> RBM:
    """Return a machine of Fight Club, The Departed and Toy Story alone."""
    kept = [0, 1, DARK]
    return RBM(rbm.W[kept], rbm.a[kept], rbm.b, rbm.movie_ids[kept], rbm.mean_ratings)


def _letters(drawing: Drawing, x: float, v: Array) -> None:
    for place, (like, dislike) in enumerate(v.reshape(-1, 2)):
        drawing.text(x, 248 + 13 * place, "+" if like else "−" if dislike else "·", "middle small")


def _visible_probabilities(rbm: RBM) -> Array:
    """Return P(v) of 00, 01, 10 and 11."""
    V = np.concatenate([likes(v) for v in ((0, 0), (0, 1), (1, 0), (1, 1))])
    weights: Array = np.exp(-rbm.free_energy(V, np.zeros(4)))
    return np.asarray(weights / weights.sum())


if __name__ == "__main__":
    write()

"""What the metrics are called, in which order they come, and which way is up."""

import re
from collections.abc import Iterable
from typing import NamedTuple

from app.evaluation.report.formatting import clean

CUT_OFF = re.compile(r"(?P<name>[^@]+)@(?P<k>\d+)")


class Metric(NamedTuple):
    """A metric as the reader meets it; `higher_is_better` is None where neither way is."""

    key: str
    label: str
    meaning: str
    higher_is_better: bool | None = None

    @property
    def direction(self) -> str:
        """Which way is up, in words."""
        if self.higher_is_better is None:
            return ""
        return "higher is better" if self.higher_is_better else "lower is better"


# Metrics with a cut-off k, then those without, in the order of reading.
AT_K = {
    "ndcg": (
        "NDCG@{k}",
        "how near the top the hidden likes stand among the first {k} movies",
        True,
    ),
    "recall": ("Recall@{k}", "share of the hidden likes found in the first {k} movies", True),
    "dislikes": (
        "Dislikes@{k}",
        "share of the first {k} movies that are hidden dislikes",
        False,
    ),
}
PLAIN = {
    "auc": ("AUC", "how often a hidden like has a higher P(like | seen) than a dislike", True),
    "log_loss": ("Log-loss", "surprise at the hidden ratings, in nats per rating", False),
    "ece": ("ECE", "mean distance between P(like | seen) and what came true", False),
    "coverage": ("Coverage", "share of the catalogue that is recommended to any user", None),
}
ORDER = [*("ndcg", "recall"), *PLAIN, "dislikes"]


def describe(key: str) -> Metric:
    """Put a metric's key into words; an unknown one keeps its key."""
    match = CUT_OFF.fullmatch(key)
    if match and match["name"] in AT_K:
        label, meaning, better = AT_K[match["name"]]
        return Metric(key, label.format(k=match["k"]), meaning.format(k=match["k"]), better)
    if key in PLAIN:
        return Metric(key, *PLAIN[key])
    return Metric(key, clean(key), "")


def in_reading_order(keys: Iterable[str]) -> list[Metric]:
    """Rankings first, then probabilities, then what is unknown, each key once."""

    def place(key: str) -> tuple[int, int]:
        match = CUT_OFF.fullmatch(key)
        name = match["name"] if match else key
        return (ORDER.index(name) if name in ORDER else len(ORDER), int(match["k"]) if match else 0)

    return [describe(key) for key in sorted(dict.fromkeys(keys), key=place)]

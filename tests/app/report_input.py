"""A small report with every section, and a reader of the page that is made of it."""

from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree as ET

VOID = {"meta", "link", "br", "hr", "img", "input"}

REPORT: dict[str, Any] = {
    "title": "Restricted Boltzmann Machine",
    "version": "20261120T101500Z-3f2a",
    "created_at": "2026-11-20T10:15:00+00:00",
    "dataset": {
        "name": "ml-latest-small", "sha256": "ab" * 32,
        "n_users": 610, "n_movies": 9724, "n_ratings": 100836,
    },
    "protocol": {"split": "strong generalisation", "hidden_share": 0.2, "n_test_users": 118},
    "results": [
        {
            "model": "popularity",
            "metrics": {
                "ndcg@100": {"mean": 0.2256, "se": 0.0162},
                "recall@20": {"mean": 0.2093, "se": 0.0198},
                "log_loss": {"mean": 0.6333, "se": 0.0044},
                "coverage": {"mean": 0.0071, "se": None},
            },
            "fit_seconds": 0.004,
        },
        {
            "model": "rbm",
            "metrics": {
                "ndcg@100": {"mean": 0.3784, "se": 0.0177},
                "recall@20": {"mean": 0.3755, "se": 0.0237},
                "log_loss": {"mean": 0.6231, "se": 0.0062},
                "coverage": {"mean": 0.0468, "se": None},
            },
            "fit_seconds": 131.0,
        },
        {"model": "ease", "metrics": {"ndcg@100": {"mean": 0.3814, "se": 0.0181}}},
    ],
    "curve": [
        {"epoch": 1, "reconstruction_error": 0.91, "validation_ndcg@100": 0.21, "seconds": 0.5},
        {"epoch": 2, "reconstruction_error": 0.72, "validation_ndcg@100": 0.33, "seconds": 0.4},
        {"epoch": 3, "reconstruction_error": 0.65, "validation_ndcg@100": 0.3711, "seconds": 0.4},
    ],
    "reliability": [
        {"predicted": 0.21, "observed": 0.25, "n": 400},
        {"predicted": 0.52, "observed": 0.55, "n": 380},
        {"predicted": 0.83, "observed": 0.8123, "n": 390},
    ],
    "calibration": {"hidden": 0.2182, "movie": 0.6644, "user": 4.12, "shift": -0.1275},
    "by_n_ratings": [
        {"n": n, "n_users": 118, "results": [
            {"model": "popularity", "metrics": {"ndcg@100": {"mean": 0.34, "se": 0.017},
                                                "log_loss": {"mean": 0.63, "se": 0.01}}},
            {"model": "rbm", "metrics": {"ndcg@100": {"mean": ndcg, "se": 0.018},
                                         "log_loss": {"mean": 0.62, "se": 0.01}}},
        ]}
        for n, ndcg in ((0, 0.3412), (3, 0.4241), ("all", 0.3784))
    ],
    "by_ratings": [
        {"label": "1–20", "n_users": 14, "ndcg@100": {"mean": 0.25, "se": 0.042}},
        {"label": "over 20", "n_users": 104, "ndcg@100": {"mean": 0.4062, "se": 0.018}},
    ],
    "by_popularity": [
        {"label": "most rated 5 %", "n_films": 406, "recall@50": {"mean": 0.846, "se": 0.02}},
        {"label": "all others", "n_films": 7737, "recall@50": {"mean": 0.1074, "se": 0.03}},
    ],
    "features": [
        {
            "unit": 253,
            "share_on": 0.284,
            "on": [{"movie_id": 1208, "title": "Apocalypse Now", "year": 1979, "weight": 0.2609}],
            "off": [{"movie_id": 150, "title": "Apollo 13", "year": 1995, "weight": -0.407}],
        }
    ],
    "settings": {"n_hidden": 300, "l2": 0.01, "classic": False, "rates": {"weights": 0.05}},
    "versions": {"recommender": "0.1.0", "numpy": "2.4.0"},
    "holdout": {"rule": "blake2b(salt, user key)", "n_gate": 58},
    "examples": [
        {
            "rated": [
                {"title": "Blade Runner", "year": 1982, "liked": True},
                {"title": "Sabrina", "year": 1995, "liked": False},
            ],
            "recommended": [
                {"title": "Aliens", "year": 1986, "score": 0.4812, "hit": True},
                {"title": "Snatch", "year": 2000, "score": 0.5067, "hit": False},
            ],
        }
    ],
}  # fmt: skip


def parsed(svg: str) -> ET.Element:
    """A chart as an XML tree; fails where it is not well formed."""
    return ET.fromstring(svg)  # noqa: S314 (made by the code under test)


class Page(HTMLParser):
    """Elements, attributes and text of a page; fails where an end tag has no start tag."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.chunks: list[str] = []
        self.feed(html)
        self.close()

    @property
    def tags(self) -> set[str]:
        return {tag for tag, _ in self.elements}

    @property
    def text(self) -> str:
        """What is to be read, white space collapsed; the style sheet left out."""
        return " ".join(" ".join(self.chunks).split())

    def values(self, attribute: str) -> list[str]:
        return [str(found[attribute]) for _, found in self.elements if attribute in found]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> ends nothing"
        assert self.open[-1] == tag, f"</{tag}> ends <{self.open[-1]}>"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        if self.open[-1:] != ["style"]:
            self.chunks.append(data)

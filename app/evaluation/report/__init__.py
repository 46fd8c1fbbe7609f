"""The report card of a model: one self-contained HTML page.

No script, no network, no clock: the same values give the same bytes. Everything that comes from
the values is escaped, and the page forbids itself scripts and requests besides.
"""

from base64 import b64encode
from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Any

from markupsafe import Markup

from app.evaluation.report import movies, provenance, sections
from app.evaluation.report.templates import environment

# Order of the sections and of the table of contents; the key is the section's id in the page.
HEADINGS = {
    "comparison": "Against the baselines",
    "by_n_ratings": "From the first rating on",
    "curve": "How the training went",
    "reliability": "Whether its probabilities hold",
    "by_ratings": "For new and for heavy users",
    "by_popularity": "For famous and for obscure movies",
    "features": "What it has learned to look at",
    "examples": "What users were recommended",
    "data": "Data and protocol",
    "settings": "Settings",
    "versions": "Versions",
    "repeat": "How to repeat this",
}


def render(report: Mapping[str, Any]) -> str:
    """Write the report card, a whole HTML document.

    `report` holds JSON values as listed in `docs/report-card.md`. Every key is optional: a section
    without its values is left out, a value that is None or not a number shows as a dash.
    """
    shown = {
        "comparison": sections.comparison(report.get("results")),
        "by_n_ratings": sections.by_n_ratings(report.get("by_n_ratings")),
        "curve": sections.curve(report.get("curve")),
        "reliability": sections.reliability(report.get("reliability"), report.get("calibration")),
        "by_ratings": sections.groups(report.get("by_ratings"), "n_users", "number of ratings"),
        "by_popularity": sections.groups(report.get("by_popularity"), "n_films", "popularity"),
        "features": movies.features(report.get("features")),
        "examples": movies.examples(report.get("examples")),
        "data": provenance.origin(report),
        "settings": provenance.pairs(report.get("settings")),
        "versions": provenance.pairs(report.get("versions")),
        "repeat": provenance.steps(report),
    }
    style = _style()
    return environment().get_template("card.html.j2").render(
        **{key: report.get(key) for key in ("title", "version", "created_at")},
        dataset=provenance.dataset(report.get("dataset")),
        headline=sections.headline(report.get("results")),
        headings=HEADINGS,
        contents=[key for key in HEADINGS if shown[key]],
        style=style,
        style_hash=b64encode(sha256(style.encode()).digest()).decode(),
        **shown,
    )  # fmt: skip


@cache
def _style() -> Markup:
    """Read the style sheet, as it stands between its tags: the page's policy names its checksum."""
    css = files(__name__).joinpath("card.css").read_text(encoding="utf-8")
    return Markup(f"\n{css}")  # noqa: S704 (a file of this package)

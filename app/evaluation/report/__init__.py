"""The report card: a model's passport, as one self-contained HTML page.

No script, no network, no clock: the same values give the same bytes. Everything that comes from
the values is escaped, and the page forbids itself scripts and requests besides.
"""

from __future__ import annotations

from base64 import b64encode
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from model.report import charts, movies, passport, sections, values

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["render"]

# Order of the sections and of the table of contents; the key is the section's id in the page.
HEADINGS = {
    "comparison": "Against the baselines",
    "curve": "How the training went",
    "reliability": "Whether its probabilities hold",
    "by_ratings": "For new and for heavy users",
    "by_popularity": "For famous and for obscure movies",
    "features": "What it has learned to look at",
    "examples": "What people were recommended",
    "data": "Data and protocol",
    "settings": "Settings",
    "versions": "Versions",
    "repeat": "How to repeat this",
}


def render(report: Mapping[str, Any]) -> str:
    """Write the report card.

    Parameters
    ----------
    report : mapping
        JSON values, as listed in ``docs/report-card.md``. Every key is optional: a section without
        its values is left out, a value that is None or not a number shows as a dash.

    Returns
    -------
    str
        A complete HTML document, to be written as UTF-8.
    """
    shown = {
        "comparison": sections.comparison(report.get("results")),
        "curve": sections.curve(report.get("curve")),
        "reliability": sections.reliability(report.get("reliability"), report.get("calibration")),
        "by_ratings": sections.groups(report.get("by_ratings"), "n_users", "number of ratings"),
        "by_popularity": sections.groups(report.get("by_popularity"), "n_films", "popularity"),
        "features": movies.features(report.get("features")),
        "examples": movies.examples(report.get("examples")),
        "data": passport.origin(report),
        "settings": passport.pairs(report.get("settings")),
        "versions": passport.pairs(report.get("versions")),
        "repeat": passport.steps(report),
    }
    style = _style()
    return _environment().get_template("card.html.j2").render(
        **{key: report.get(key) for key in ("title", "version", "created_at")},
        dataset=passport.dataset(report.get("dataset")),
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


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("model.report", ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        # What the template prints is cleaned before it is escaped: hostile text comes in anywhere.
        finalize=lambda value: value if isinstance(value, Markup) else values.clean(value),
    )
    for name in ("count", "duration", "figure", "moment", "percent", "setting", "signed"):
        environment.filters[name] = getattr(values, name)
    environment.globals["bar"] = charts.bar
    return environment

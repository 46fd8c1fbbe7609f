"""The templates of the report card, with the filters that write its values."""

from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from app.evaluation.report import formatting

FILTERS = ("count", "duration", "figure", "moment", "percent", "setting", "signed", "tenth")


@cache
def environment() -> Environment:
    """Make the environment, once."""
    environment = Environment(
        loader=PackageLoader("app.evaluation.report", ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        # All that is printed is cleaned before it is escaped: hostile text comes in anywhere.
        finalize=lambda value: value if isinstance(value, Markup) else formatting.clean(value),
    )
    environment.filters |= {name: getattr(formatting, name) for name in FILTERS}
    return environment

"""Every table of figures says how they were made."""

import re

import pytest

from model.sequential import Outcomes, interval_of_difference
from tests.docs.snippets import DOCUMENTS, ROOT

# Means with errors, shares such as .418, times, sizes.
FIGURE = re.compile(
    r"±|(?<![\w.])0?\.\d{2,3}\b|\b\d+\.\d+\b|\b\d[\d,]*\s?(?:ms|µs|s|MB|GB|kB|%)(?!\w)"
)
MADE_BY = re.compile(
    r"python -m [\w.]+|recommender (?:evaluate|train|tune|demo)|make [a-z-]+|tests/[\w/]+\.py"
)
# Lists of settings and of what changed: defaults and limits, nothing measured.
NOT_MEASURED = {"docs/configuration.md", "CHANGELOG.md"}
SOME = 6  # figures that make a table one of figures


def tables_without_a_command() -> list[tuple[str, str]]:
    found = []
    for path in DOCUMENTS:
        name = str(path.relative_to(ROOT))
        for section in re.split(r"^(?=## )", path.read_text("utf-8"), flags=re.MULTILINE):
            for table in re.findall(r"(?:^\|.*\n)+", section, re.MULTILINE):
                is_measured = len(FIGURE.findall(table)) >= SOME and name not in NOT_MEASURED
                if is_measured and not MADE_BY.search(section):
                    found.append((name, table.splitlines()[0]))
    return found


def test_every_table_of_figures_names_the_command_that_made_it() -> None:
    assert tables_without_a_command() == []


def test_the_widths_of_intervals_are_those_of_the_report() -> None:
    page = (ROOT / "docs" / "experiments.md").read_text(encoding="utf-8")
    rows = re.findall(
        r"^\| (\d+) % \| ± (\S+) points \| ± (\S+) points \| ± (\S+) points", page, re.MULTILINE
    )
    assert len(rows) == 3
    for percent, *shown in rows:
        rate = int(percent) / 100
        for users, width in zip((1_000, 5_000, 50_000), shown, strict=True):
            arm = Outcomes(users, round(rate * users))
            interval = interval_of_difference(arm, arm, 0.05)
            assert interval is not None
            assert float(width) == pytest.approx(100 * interval.high, rel=0.03)

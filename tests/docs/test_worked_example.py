"""The step that is calculated by hand: its numbers on the page are those of the machine."""

import re
from pathlib import Path

import numpy as np
import pytest

from docs.site.machines import (
    likes,
    negative_log_probability,
    states_by_energy,
    two_by_two,
    updated,
    worked_example,
)
from model.rbm import LIKE, sigmoid

FOLDER = Path(__file__).parents[2] / "docs" / "how-it-works"
STEP = worked_example()
PATTERNS = np.concatenate([likes(v) for v in ((1, 0), (0, 1), (0, 0), (1, 1))])


def section(name: str) -> str:
    page = (FOLDER / "worked-example.md").read_text(encoding="utf-8")
    return page.split(f"\n## {name}\n")[1].split("\n## ")[0]


def numbers(text: str) -> list[float]:
    """All decimal numbers of a text."""
    return [float(x.replace("−", "-")) for x in re.findall(r"[-−]?\d+\.\d+", text)]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("1. Recognition", [0.2, 0.5, -0.2, 0.3, 0.7, -0.5, 0.7, -0.5, *STEP.p0]),
        ("2. Positive statistics", STEP.p0),
        ("4. Recognition again", [0.2, 0.2, -0.2, 0.4, 0.4, 0.2, 0.4, 0.2, *STEP.p1]),
        ("5. Negative statistics", STEP.p1),
        ("7. Visible biases, with γ", [0.1, 0.1, -0.1, 0.2, -0.2]),
    ],
)
def test_a_step_has_the_numbers_of_the_machine(name: str, expected: list[float]) -> None:
    # "−0.2 − 0.3" is a difference: its second minus is no sign.
    assert numbers(section(name)) == pytest.approx(list(expected), abs=5e-7)


def test_what_is_drawn_follows_from_its_random_number() -> None:
    rows = re.findall(
        r"^\| [a-z ]+ \| (\S+) \| (\S+) \| (\d) \|$", section("3. Generation"), re.MULTILINE
    )
    probabilities = [*STEP.p0, *sigmoid(STEP.x)]
    drawn = [*STEP.h0, *STEP.v1]
    assert len(rows) == 4
    for (shown, u, state), probability, expected in zip(rows, probabilities, drawn, strict=True):
        assert float(shown) == pytest.approx(probability, abs=5e-7)
        assert int(state) == expected == (float(u) < probability)


def test_the_parameters_after_the_step_are_those_of_the_machine() -> None:
    after = updated(STEP)
    delta = (after.W - STEP.rbm.W)[:, LIKE]
    shown = numbers(section("6. Weights, with κ"))
    assert shown == pytest.approx([*delta.ravel(), *after.W[:, LIKE].ravel()], abs=5e-8)
    shown = numbers(section("8. Hidden biases, with η"))
    difference = STEP.p0 - STEP.p1
    assert shown[1:3] == pytest.approx(difference, abs=5e-7)
    assert shown[3:] == pytest.approx([*0.1 * difference, *after.b], abs=5e-8)


def test_the_pattern_is_likelier_and_the_reconstruction_less_likely_afterwards() -> None:
    shown = numbers(section("What it did").split("\n\n")[0])
    before, after = (
        np.exp(-negative_log_probability(rbm, PATTERNS, 0.0)) for rbm in (STEP.rbm, updated(STEP))
    )
    expected = [before[0], after[0], before[1], after[1]]
    assert shown == pytest.approx(expected, abs=5e-5)
    assert after[0] > before[0]
    assert after[1] < before[1]


def test_the_page_about_energy_has_the_energies_of_the_machine() -> None:
    page = (FOLDER / "energy.md").read_text(encoding="utf-8")
    rows = states_by_energy(two_by_two())
    first = next(row for row in rows if row[0].tolist() == row[1].tolist() == [1, 0])
    assert first[2] == pytest.approx(-0.8)
    assert f"Z = {sum(np.exp(-energy) for *_, energy, _ in rows):.2f}" in page
    assert f"= {first[3]:.3f}." in page
    assert [row[0].tolist() + row[1].tolist() for row in (rows[0], rows[-1])] == [
        [1, 1, 1, 0], [1, 0, 0, 1],
    ]  # fmt: skip

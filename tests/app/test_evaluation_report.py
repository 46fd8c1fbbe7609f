import copy
import re
import subprocess
import sys
from base64 import b64encode
from collections.abc import Callable
from hashlib import sha256
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from app.evaluation.report import render
from tests.app.report_input import REPORT, Page, parsed

SECTIONS = {
    "results": ["comparison"],
    "curve": ["curve"],
    "reliability": ["reliability"],
    "by_ratings": ["by_ratings"],
    "by_n_ratings": ["by_n_ratings"],
    "by_popularity": ["by_popularity"],
    "features": ["features"],
    "examples": ["examples"],
    "settings": ["settings"],
    "versions": ["versions"],
}
HOSTILE = [
    "<script>alert(1)</script>",
    "\"'><img src=x onerror=alert(1)>",
    "</style></title></svg><iframe src=//evil.example>",
    "{{ 7 * 7 }} {% raw %}",
    "\u202eeltit sdrawkcab",
    "🎬👩‍👩‍👧‍👦" + "x" * 500,
    "&lt;b&gt; &amp; ]]> <!--",
    "nul \x00 tab \x0b lone \ud800 end",
]


def report(**changed: Any) -> dict[str, Any]:
    return copy.deepcopy(REPORT) | changed


def with_every_text(value: Any, change: Callable[[str], str]) -> Any:
    """The same value with all texts changed, keys of free mappings included."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, list):
        return [with_every_text(item, change) for item in value]
    if isinstance(value, dict):
        return {key: with_every_text(item, change) for key, item in value.items()}
    return value


def charts_of(html: str) -> list[ET.Element]:
    return [parsed(svg) for svg in re.findall(r"<svg.*?</svg>", html, re.DOTALL)]


def numbers_of(value: Any) -> list[float]:
    """Every finite figure of a report, lists and mappings walked through."""
    if isinstance(value, dict):
        return [number for item in value.values() for number in numbers_of(item)]
    if isinstance(value, list):
        return [number for item in value for number in numbers_of(item)]
    return [value] if isinstance(value, float) else []


def test_the_page_is_well_formed_and_its_ids_are_unique() -> None:
    page = Page(render(REPORT))
    assert page.open == []
    ids = page.values("id")
    assert len(ids) == len(set(ids))
    referred = {name for value in page.values("aria-labelledby") for name in value.split()}
    assert referred <= set(ids)
    assert {link.removeprefix("#") for link in page.values("href")} <= set(ids)


def test_every_chart_is_xml_with_a_name_and_a_description_and_every_bar_is_decoration() -> None:
    charts = charts_of(render(REPORT))
    assert len(charts) > 8
    for svg in charts:
        if svg.get("role") == "img":
            title, description = svg.find("title"), svg.find("desc")
            assert title is not None
            assert title.text
            assert description is not None
            assert description.text
            assert svg.get("aria-labelledby") == f"{title.get('id')} {description.get('id')}"
        else:
            assert svg.get("aria-hidden") == "true"


def test_every_table_has_a_caption_and_heads_for_columns_and_rows() -> None:
    html = render(REPORT)
    tables = re.findall(r"<table.*?</table>", html, re.DOTALL)
    assert len(tables) == 6
    for table in tables:
        assert re.search(r"<caption><span>[^<]+", table)
        assert 'scope="col"' in table
        for row in re.findall(r"<tr.*?</tr>", table.partition("<tbody>")[2], re.DOTALL):
            assert row.count('<th scope="row">') == 1


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_shown_and_never_obeyed(text: str) -> None:
    plain = Page(render(REPORT))
    hostile = report()
    hostile["settings"][text] = text
    html = render(with_every_text(hostile, lambda _: text))
    page = Page(html)
    assert page.open == []
    # Nothing but what the benign page is made of, and nothing that asks for anything.
    assert page.tags <= plain.tags
    attributes = {name for _, found in page.elements for name in found}
    assert attributes <= {name for _, found in plain.elements for name in found}
    assert not any(name.startswith("on") for name in attributes)
    assert not {"script", "img", "iframe", "object", "embed", "link", "base"} & page.tags
    charts_of(html)
    html.encode()
    shown = re.sub("[\x00\x0b\ud800]", "\ufffd", text)
    assert page.text.count(" ".join(shown.split())) > 10


def test_movies_stand_in_an_isolated_direction() -> None:
    title = "\u202e\u05e1\u05e8\u05d8"
    example = {"rated": [], "recommended": [{"title": title, "year": 1999, "score": 0.5}]}
    assert f'<bdi class="movie" dir="auto">{title}</bdi>' in render({"examples": [example]})


def test_the_page_needs_no_network_and_no_script() -> None:
    html = render(REPORT)
    page = Page(html)
    assert "src" not in {name for _, found in page.elements for name in found}
    assert all(link.startswith("#") for link in page.values("href"))
    for word in ("http://", "https://", "@import", "url(", "<script", "style="):
        assert word not in html


def test_its_policy_forbids_everything_but_its_own_style() -> None:
    html = render(REPORT)
    (style,) = re.findall(r"<style>(.*?)</style>", html, re.DOTALL)
    digest = b64encode(sha256(style.encode()).digest()).decode()
    (policy,) = [
        found["content"] for tag, found in Page(html).elements if "http-equiv" in found and tag
    ]
    assert policy is not None
    assert policy.split("; ")[:2] == ["default-src 'none'", f"style-src 'sha256-{digest}'"]


@pytest.mark.parametrize("key", SECTIONS)
@pytest.mark.parametrize("empty", ["missing", None, [], {}])
def test_a_section_without_its_data_is_left_out_with_its_link(key: str, empty: Any) -> None:
    whole = Page(render(REPORT))
    values = report(**{key: empty})
    if empty == "missing":
        del values[key]
    page = Page(render(values))
    for section in SECTIONS[key]:
        assert section in whole.values("id")
        assert section not in page.values("id")
        assert f"#{section}" not in page.values("href")
    assert len(page.values("href")) < len(whole.values("href"))


def test_a_report_without_anything_is_still_a_page() -> None:
    page = Page(render({}))
    assert page.open == []
    assert "section" not in page.tags
    assert "Report card" in page.text


def test_where_a_section_is_alone_the_others_are_not_missed() -> None:
    for key, sections in SECTIONS.items():
        ids = Page(render({key: REPORT[key]})).values("id")
        assert [
            name for name in ids if name in {s for each in SECTIONS.values() for s in each}
        ] == (sections)


def test_the_headline_is_the_ratio_to_popularity_with_both_figures_and_the_strongest_rival() -> (
    None
):
    text = Page(render(REPORT)).text
    assert "1.68 ×" in text  # .3784 / .2256
    assert (
        "rbm reaches 1.68 times the NDCG@100 of recommending what is popular: 0.378 ± 0.018 "
        "against 0.226 ± 0.016 ; the strongest other model here, ease , has 0.381 ± 0.018"
    ) in text


def test_without_popularity_the_headline_is_the_figure_itself() -> None:
    results = [row for row in report()["results"] if row["model"] == "rbm"]
    text = Page(render({"results": results})).text
    assert "0.378 NDCG@100 of rbm : 0.378 ± 0.018" in text
    assert "times" not in text


def test_the_figures_shown_are_the_figures_given() -> None:
    text = Page(render(REPORT)).text.replace("\u2212", "-")
    for row in REPORT["results"]:
        for value in row["metrics"].values():
            assert f"{value['mean']:.3f}" in text
    for figures in (REPORT["by_ratings"], REPORT["by_popularity"], REPORT["reliability"]):
        for value in numbers_of(figures):
            assert f"{value:.3f}" in text
    for shown in (
        *("610 users", "9,724 movies", "100,836 ratings", "1.7 %", "20 November 2026, 10:15 UTC"),
        "hidden +0.22 , movie +0.66 , user +4.12 , shift -0.13",
        *("on in 28 % of users", "+0.26", "-0.41"),
        *("1 hidden like in the first 2", "Aliens 1986 ✓", "0.48", "2 min 11 s", "0.004 s"),
        *("rates.weights 0.05", "classic no", "n_hidden 300", "numpy 2.4.0", "ab" * 32),
    ):
        assert shown in text, shown


def test_the_table_is_ranked_and_the_best_of_each_column_is_bold_whichever_way_is_up() -> None:
    (table,) = re.findall(r'<table class="models">.*?</table>', render(REPORT), re.DOTALL)
    assert re.findall(r'<th scope="row"><bdi>(.*?)</bdi>', table) == ["ease", "rbm", "popularity"]
    bold = re.findall(r'<strong><span class="estimate">(.*?) ', table)
    assert bold == ["0.381", "0.376", "0.623"]  # coverage has no better direction


@pytest.mark.parametrize("missing", [None, float("nan"), float("inf"), "?", 10**400])
def test_what_is_no_number_shows_as_a_dash(missing: object) -> None:
    values = report()
    values["results"][1]["metrics"]["recall@20"] = {"mean": missing, "se": missing}
    values["results"][0]["metrics"]["ndcg@100"]["se"] = missing
    values["results"][0]["fit_seconds"] = missing
    values["curve"][1]["validation_ndcg@100"] = missing
    values["by_ratings"][0] |= {"n_users": missing, "ndcg@100": missing}
    values["features"][0]["on"][0] |= {"weight": missing, "year": missing}
    values["examples"][0]["recommended"][0] |= {"score": missing, "year": missing}
    values["dataset"]["n_users"] = missing
    values["calibration"]["hidden"] = missing
    page = Page(render(values))
    assert page.text.count("–") > Page(render(REPORT)).text.count("–") + 8
    assert not re.search(r"\b(nan|inf|None)\b", page.text, re.IGNORECASE)
    numeric = ("x", "y", "x1", "x2", "y1", "y2", "cx", "cy", "width", "height", "points")
    assert not any("n" in value for name in numeric for value in page.values(name))


def test_a_loud_banner_only_where_the_ratings_are_invented() -> None:
    sample = report()
    sample["dataset"]["is_sample"] = True
    assert "Invented ratings" in Page(render(sample)).text
    sample["dataset"]["is_sample"] = False
    assert "Invented" not in Page(render(sample)).text
    assert "Invented" not in Page(render(REPORT)).text


def test_a_heavy_user_fills_no_page() -> None:
    movie = {"title": "Heat", "year": 1995, "liked": True, "score": 0.1, "hit": False}
    text = Page(
        render({"examples": [{"rated": [movie] * 1_500, "recommended": [movie] * 300}]})
    ).text
    assert "and 1,490 more" in text
    assert "in the first 12" in text


def test_commands_to_repeat_are_shown_as_they_are_given() -> None:
    page = Page(render({"repeat": ["recommender evaluate 'a b' > x", "cat x"]}))
    assert "recommender evaluate 'a b' > x cat x" in page.text


def test_the_same_values_give_the_same_bytes_and_are_left_as_they_were() -> None:
    values = report()
    assert render(values) == render(copy.deepcopy(values))
    assert values == REPORT


def test_a_unit_is_named_by_its_two_most_telling_movies_and_the_card_says_what_it_is_not() -> None:
    on = [{"title": title, "weight": 0.1} for title in ("Alien", "Heat", "Big")]
    page = Page(render(report(features=[{"unit": 7, "on": on}, {"unit": 8, "off": on}]))).text
    assert "Alien · Heat unit 7" in page
    assert "Without a name unit 8" in page
    assert "What a unit is not: a genre, or a group of users." in page


def test_a_full_report_is_lighter_than_150_kilobytes() -> None:
    movie = {"movie_id": 1, "title": "A movie with a title of usual length", "year": 1999}
    movies = [movie | {"weight": 0.5 - i / 10} for i in range(8)]
    metrics = {
        name: {"mean": 0.4, "se": 0.02}
        for name in ("ndcg@10", "ndcg@100", "recall@20", "recall@50", "auc", "log_loss", "ece")
    }
    values = report(
        results=[{"model": f"model-{i}", "metrics": metrics} for i in range(8)],
        curve=[REPORT["curve"][0] | {"epoch": i} for i in range(60)],
        features=[{"unit": i, "on": movies, "off": movies} for i in range(12)],
        examples=REPORT["examples"] * 3,
    )
    assert len(render(values).encode()) < 150_000


@pytest.mark.parametrize("module", ["app.evaluation.report", "model.features"])
def test_a_card_is_made_without_any_training_library(module: str) -> None:
    code = (
        f"import sys, {module}\n"
        "print(*sorted({'pandas', 'scipy', 'numba', 'pyarrow'} & sys.modules.keys()))"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert loaded == []

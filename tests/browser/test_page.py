"""The page for people, in a real browser: what somebody sees who types, clicks and reads."""

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from app.config import Settings
from app.db.engine import Database
from tests.app.world import add_movies, add_ratings, draw_ratings, make_rbm, publish
from tests.browser.conftest import OpenPage

HORROR = ["Silence of the Lambs", "Alien", "Psycho", "The Shining", "Evil Dead"]
CARTOONS = ["Toy Story", "Lion King", "Finding Nemo", "Shrek", "Aladdin"]
PHONE: dict[str, Any] = {"width": 375, "height": 780, "has_touch": True, "is_mobile": True}
HOSTILE = [
    "<script>document.title = 'broken'</script>",
    "<img src=x onerror=\"document.title='broken'\">",
    "\"quotes\" 'of' `all` &amp; kinds </h3></li>",
    "right to left \u200f שלום עולם",
    "W" * 500,
    "🎬🍿 👩‍👩‍👧‍👦 emoji",
    "{{ 7 * 7 }} ${7*7} %s",
]

KEYS = ["sku-18", "a.b", "a/b", "50% off", "жук", '"><b>', "007", "1.2", "7"]


def movies(page: Page) -> Locator:
    return page.locator("#list .film:not(.skeleton)")


def movie_titles(place: Locator) -> list[str]:
    return place.locator("h3 bdi").all_inner_texts()


def rated(page: Page) -> Locator:
    return page.locator("#yours .film")


def settled(page: Page) -> None:
    """Wait until the list and the machine are those of what was said last."""
    expect(page.locator("#list:not([aria-busy])")).to_be_visible()
    expect(movies(page).first).to_be_visible()


def find(page: Page, text: str) -> Locator:
    page.get_by_role("searchbox", name="Find a film by its title").fill(text)
    found = page.locator("#found .film")
    expect(found.first).to_contain_text(re.compile(re.escape(text), re.IGNORECASE))
    return found


def like(page: Page, text: str) -> None:
    find(page, text).first.get_by_role("button", name=re.compile("^Like ")).click()


def share_of(genre: str, page: Page) -> float:
    genres = movies(page).locator(".genres").all_inner_texts()
    return sum(genre in line.split(", ") for line in genres) / len(genres)


@pytest.mark.parametrize(
    ("world", "genre", "titles", "share"),
    [
        ("sample", "Horror", HORROR, 0.5),
        # Of all real movies, whoever likes these likes many that are no cartoons.
        pytest.param("movielens", "Animation", CARTOONS, 0.35, marks=pytest.mark.slow),
    ],
)
def test_liking_five_movies_of_a_kind_makes_the_list_one_of_that_kind(
    request: pytest.FixtureRequest,
    open_page: OpenPage,
    world: str,
    genre: str,
    titles: list[str],
    share: float,
) -> None:
    page = open_page(request.getfixturevalue(world))
    expect(page.get_by_role("heading", name="What everybody likes")).to_be_visible()
    expect(page.locator("main > .banner")).to_have_count(1 if world == "sample" else 0)
    settled(page)
    before = share_of(genre, page)
    for number, title in enumerate(titles, 1):
        like(page, title)
        expect(rated(page)).to_have_count(number)
    page.keyboard.press("Escape")
    settled(page)
    expect(page.get_by_role("heading", name="What you might like")).to_be_visible()
    assert before <= 0.1
    assert share_of(genre, page) >= share
    because = movies(page).first.locator(".because")
    expect(because).to_contain_text("Because you like")
    reasons = because.locator("bdi").all_inner_texts()
    assert set(reasons) <= set(movie_titles(rated(page)))


def test_a_vote_in_the_list_takes_the_movie_out_and_moves_the_focus_on(
    sample: str, open_page: OpenPage
) -> None:
    page = open_page(sample)
    settled(page)
    first, second = movie_titles(movies(page))[:2]
    movies(page).nth(1).get_by_role("button", name=f"Dislike {second}").click()
    expect(rated(page)).to_have_count(1)
    settled(page)
    button = rated(page).first.get_by_role("button", name=f"Dislike {second}")
    expect(button).to_have_attribute("aria-pressed", "true")
    assert second not in movie_titles(movies(page))
    expect(movies(page).nth(1).get_by_role("button", name=re.compile("^Dislike "))).to_be_focused()
    button.click()  # once more takes it back
    expect(rated(page)).to_have_count(0)
    settled(page)
    assert movie_titles(movies(page))[:2] == [first, second]


def test_the_keyboard_alone_does_everything(sample: str, open_page: OpenPage) -> None:
    page = open_page(sample)
    settled(page)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.locator("#search-box")).to_be_focused()
    page.keyboard.type("matrix")
    page.keyboard.press("Enter")  # into the movies, as soon as they are there
    expect(page.locator("#found [data-vote=true]").first).to_be_focused()
    page.keyboard.press("l")
    expect(rated(page)).to_have_count(1)
    expect(page.locator("#found [data-vote=true]").first).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("Escape")
    expect(page.locator("#search-box")).to_be_focused()
    expect(page.locator("#found")).to_be_hidden()
    settled(page)
    movies(page).first.locator("[data-vote=true]").focus()
    page.keyboard.press("ArrowDown")
    expect(movies(page).nth(1).locator("[data-vote=true]")).to_be_focused()
    second = movie_titles(movies(page))[1]
    page.keyboard.press("d")
    expect(rated(page).first).to_contain_text(second)
    expect(rated(page).first.locator(".dislike")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("Control+z")
    expect(rated(page)).to_have_count(1)
    settled(page)
    unit = page.locator(".unit-node").first
    unit.focus()
    expect(page.locator("#details")).to_contain_text("Likes of these switch it on")


def test_the_link_brings_everything_back_and_the_service_stores_nothing(
    sample: str, open_page: OpenPage
) -> None:
    page = open_page(sample)
    settled(page)
    for place in (2, 1):
        movies(page).nth(place).locator(".like").click()
        settled(page)
    movies(page).first.locator(".dislike").click()
    page.get_by_label("Genre").select_option("Drama")
    page.get_by_label("From").fill("1980")
    page.get_by_label("From").press("Enter")
    settled(page)
    said, listed = movie_titles(rated(page)), movie_titles(movies(page))
    assert len(said) == 3
    assert "?" not in page.url
    again = open_page(page.url)
    settled(again)
    assert sorted(movie_titles(rated(again))) == sorted(said)
    assert movie_titles(movies(again)) == listed
    expect(again.locator("#yours .dislike[aria-pressed=true]")).to_have_count(1)
    expect(again.get_by_label("Genre")).to_have_value("Drama")
    expect(again.get_by_label("From")).to_have_value("1980")
    page.reload()
    settled(page)
    assert movie_titles(movies(page)) == listed


def test_the_link_can_be_copied(sample: str, open_page: OpenPage) -> None:
    permissions = ["clipboard-read", "clipboard-write"]
    page = open_page(f"{sample}/#like=1.364", permissions=permissions)
    settled(page)
    page.get_by_role("button", name="Copy link").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == f"{sample}/#like=1.364"


def test_undo_goes_back_step_by_step_and_start_over_can_be_undone(
    sample: str, open_page: OpenPage
) -> None:
    page = open_page(sample)
    settled(page)
    undo = page.get_by_role("button", name="Undo")
    over = page.get_by_role("button", name="Start over")
    expect(undo).to_be_disabled()
    for number in (1, 2):
        movies(page).first.locator(".like").click()
        expect(rated(page)).to_have_count(number)
        settled(page)
    over.click()
    expect(rated(page)).to_have_count(0)
    expect(over).to_be_disabled()
    assert "#" not in page.url
    for number in (2, 1, 0):
        undo.click()
        expect(rated(page)).to_have_count(number)
    expect(undo).to_be_disabled()


def test_a_surprise_is_another_list_that_its_link_brings_back(
    sample: str, open_page: OpenPage
) -> None:
    page = open_page(f"{sample}/#like=1.364.588")
    settled(page)
    best = movie_titles(movies(page))
    page.get_by_role("button", name="Surprise me").click()
    expect(page.get_by_role("heading", name="A surprise for you")).to_be_visible()
    settled(page)
    drawn = movie_titles(movies(page))
    assert drawn != best
    again = open_page(page.url)
    expect(again.get_by_role("heading", name="A surprise for you")).to_be_visible()
    settled(again)
    assert movie_titles(movies(again)) == drawn
    page.get_by_role("button", name="Back to the best").click()
    expect(page.get_by_role("heading", name="What you might like")).to_be_visible()
    settled(page)
    assert movie_titles(movies(page)) == best


def test_filters_leave_only_movies_that_fit(sample: str, open_page: OpenPage) -> None:
    page = open_page(f"{sample}/#like=1.364")
    settled(page)
    page.get_by_label("Genre").select_option("Comedy")
    page.get_by_label("to", exact=True).fill("1995")
    page.get_by_label("to", exact=True).press("Enter")
    expect(page).to_have_url(re.compile("to=1995"))
    settled(page)
    assert all("Comedy" in line for line in movies(page).locator(".genres").all_inner_texts())
    years = movies(page).locator(".year").all_inner_texts()
    assert years
    assert all(int(year) <= 1995 for year in years)
    page.get_by_label("to", exact=True).fill("1901")
    page.get_by_label("to", exact=True).press("Enter")
    expect(page.locator("#list-about")).to_have_text("No film fits these filters.")


def test_more_movies_follow_without_repeating_any(sample: str, open_page: OpenPage) -> None:
    page = open_page(f"{sample}/#like=1.364")
    settled(page)
    page.get_by_role("button", name="More films").click()
    expect(movies(page)).to_have_count(20)
    titles = movie_titles(movies(page))
    assert len(set(titles)) == 20
    expect(movies(page).nth(10).locator(".like")).to_be_focused()


def test_the_machine_joins_what_was_said_to_units_and_these_to_the_list(
    sample: str, open_page: OpenPage
) -> None:
    page = open_page(sample)
    expect(page.get_by_text("the machine lights up here")).to_be_visible()
    page = open_page(f"{sample}/#like=1.364&dislike=2959")
    settled(page)
    expect(page.locator("#visible .node.liked")).to_have_count(2)
    expect(page.locator("#visible .node.disliked")).to_have_count(1)
    expect(page.locator("#hidden .node")).to_have_count(6)
    listed = movie_titles(movies(page))[:8]
    assert page.locator("#reconstructed bdi").all_inner_texts() == listed
    expect(page.locator("#figure path.link")).to_have_count(3 * 6 + 6 * 8)
    unit = page.locator("#hidden .node").first
    unit.hover()
    expect(page.locator("#details")).to_contain_text("Likes of these switch it on")
    expect(page.locator("#figure path.lit")).to_have_count(3 + 8)
    page.locator("#visible .node").first.hover()
    expect(page.locator("#details")).to_contain_text("Its strongest links up")
    expect(page.locator("#details li")).to_have_count(3)
    expect(page.locator("#figure path.lit")).to_have_count(6)


def test_somebody_of_a_public_release_can_be_looked_over_the_shoulder(
    sample: str, open_page: OpenPage
) -> None:
    page = open_page(sample, expected=("404",))
    settled(page)
    page.get_by_label("look over the shoulder").fill("nobody")
    page.get_by_role("button", name="Browse as").click()
    expect(page.get_by_role("alert").filter(has_text="no user nobody")).to_be_visible()
    page.get_by_label("look over the shoulder").fill("42")
    page.get_by_role("button", name="Browse as").click()
    expect(page.get_by_role("heading", name="What user 42 might like")).to_be_visible()
    settled(page)
    expect(page).to_have_url(re.compile("#as=42$"))
    expect(movies(page).first).to_contain_text("sure user 42 would like it")
    expect(movies(page).locator(".because").first).to_contain_text("Because user 42")
    listed = movie_titles(movies(page))
    again = open_page(page.url)
    expect(again.get_by_role("heading", name="What user 42 thinks")).to_be_visible()
    settled(again)
    assert movie_titles(movies(again)) == listed
    movies(again).first.locator(".like").click()
    expect(again.locator("#yours-heading")).to_have_text("What you think")


def test_the_theme_follows_the_system_until_somebody_switches_it(
    sample: str, open_page: OpenPage
) -> None:
    page = open_page(sample, color_scheme="dark")

    def background() -> str:
        return str(page.evaluate("getComputedStyle(document.body).backgroundColor"))

    dark = background()
    page.get_by_role("button", name="Switch to the light theme").click()
    light = background()
    assert (dark, light) == ("rgb(20, 23, 27)", "rgb(252, 251, 248)")
    page.reload()
    assert background() == light
    page.get_by_role("button", name="Switch to the dark theme").click()
    assert background() == dark


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", [{}, PHONE], ids=["desktop", "phone"])
def test_axe_finds_nothing_serious(
    sample: str,
    open_page: OpenPage,
    serious_issues: Callable[[Page], list[str]],
    theme: str,
    size: dict[str, Any],
) -> None:
    page = open_page(sample, color_scheme=theme, **size)
    settled(page)
    assert serious_issues(page) == []
    said = f"{sample}/#like=1.364.588&dislike=2959&seed=3"
    page = open_page(said, color_scheme=theme, reduced_motion="reduce", **size)
    settled(page)
    find(page, "matrix")
    assert serious_issues(page) == []
    page.locator(".unit-node").first.focus()
    assert serious_issues(page) == []


def test_a_phone_shows_everything_without_scrolling_sideways(
    sample: str, open_page: OpenPage
) -> None:
    page = open_page(f"{sample}/#like=1.364.588.260.1196.1210&dislike=2959", **PHONE)
    settled(page)
    assert page.evaluate("document.documentElement.scrollWidth") == 375
    expect(rated(page)).to_have_count(4)
    page.get_by_role("button", name="Show all 7").tap()
    expect(rated(page)).to_have_count(7)
    for box in (movies(page).first.locator(".like"), page.locator(".unit-node").first):
        size = box.bounding_box()
        assert size is not None
        assert min(size["width"], size["height"]) >= 44
    movies(page).first.locator(".like").tap()
    expect(page.get_by_role("button", name="Show all 8")).to_be_hidden()


def test_what_changes_is_said_to_who_does_not_see_it(sample: str, open_page: OpenPage) -> None:
    page = open_page(sample)
    settled(page)
    title = movie_titles(movies(page))[0]
    status = page.locator("#announcer")
    expect(status).to_have_attribute("role", "status")
    with page.expect_response("**/recommendations"):
        movies(page).first.locator(".like").click()
    expect(status).to_have_text(re.compile(rf"You like {re.escape(title)}|in the list\. First is"))
    expect(status).to_have_text(re.compile(r"films? in the list\. First is .+\."))


@pytest.mark.parametrize(
    ("status", "headers", "text"),
    [
        (429, {"Retry-After": "1"}, "faster than the service allows"),
        (503, {"Retry-After": "1"}, "cannot be reached at the moment"),
        (0, {}, "The service cannot be reached."),
    ],
)
def test_trouble_is_said_and_passes_by_itself(
    sample: str, open_page: OpenPage, status: int, headers: dict[str, str], text: str
) -> None:
    page = open_page(sample, expected=("Failed to load resource",))
    settled(page)
    body = '{"error": "Some", "detail": "The database cannot be reached at the moment."}'

    def fail(route: Any) -> None:
        if status:
            route.fulfill(status=status, headers=headers, body=body)
        else:
            route.abort()

    page.route("**/recommendations", fail)
    listed = movie_titles(movies(page))
    movies(page).nth(0).locator(".like").click()
    trouble = page.locator("#trouble")
    expect(trouble).to_contain_text(text)
    assert movie_titles(movies(page)) == listed[1:]  # what was there stays
    expect(rated(page)).to_have_count(1)
    page.unroute("**/recommendations")
    expect(trouble).to_be_hidden()
    expect(page.get_by_role("heading", name="What you might like")).to_be_visible()


def test_nothing_moves_while_the_page_fills(sample: str, open_page: OpenPage) -> None:
    page = open_page("about:blank")
    page.add_init_script(
        "window.shift = 0; new PerformanceObserver((list) => {"
        " for (const entry of list.getEntries()) window.shift += entry.value;"
        "}).observe({type: 'layout-shift', buffered: true})"
    )
    page.goto(sample)
    settled(page)
    assert page.evaluate("window.shift") < 0.05


def test_without_scripts_a_form_recommends(sample: str, open_page: OpenPage) -> None:
    page = open_page(sample, java_script_enabled=False)
    expect(page.locator("#search-box")).to_be_hidden()
    page.get_by_label("Find a film", exact=True).fill("toy story")
    page.get_by_role("button", name="Find", exact=True).click()
    page.get_by_role("button", name="Like Toy Story", exact=True).first.click()
    expect(page.get_by_role("heading", name="What you might like")).to_be_visible()
    expect(page.locator(".plain .ranked .because").first).to_contain_text("you liked Toy Story")
    page.get_by_role("button", name="Forget Toy Story").first.click()
    expect(page.get_by_role("heading", name="What everybody likes")).to_be_visible()


def test_the_address_of_the_form_is_understood_by_the_page_with_scripts(
    sample: str, open_page: OpenPage
) -> None:
    page = open_page(f"{sample}/?like=1&like=364&dislike=2959&q=")
    settled(page)
    expect(rated(page)).to_have_count(3)
    expect(page).to_have_url(re.compile(r"/#like=1\.364&dislike=2959$"))


def test_films_of_any_keys_are_liked_and_linked(
    database_of: Callable[[], Database],
    serve: Callable[[Settings], str],
    tmp_path: Any,
    open_page: OpenPage,
) -> None:
    database_url = database_of().url.render_as_string()
    address = serve(Settings(database_url=database_url, models_dir=tmp_path / "models"))
    page = open_page(address)
    for key in KEYS:
        path = f"{address}/movies/{quote(key, safe='')}"
        assert page.request.put(path, data={"title": f"Film {key}"}).ok
    page.goto(address)
    for number in range(1, len(KEYS) + 1):
        movies(page).first.get_by_role("button", name=re.compile("^Like ")).click()
        expect(rated(page)).to_have_count(number)
        expect(movies(page)).to_have_count(len(KEYS) - number)
    assert sorted(movie_titles(rated(page))) == sorted(f"Film {key}" for key in KEYS)
    linked = open_page(page.url)
    expect(rated(linked)).to_have_count(len(KEYS))
    assert movie_titles(rated(linked)) == movie_titles(rated(page))
    assert linked.url == page.url
    linked.goto(f"{address}/#like=search.%20&dislike=sku-18")  # the first two are no keys
    linked.reload()
    expect(rated(linked)).to_have_count(1)


@pytest.mark.parametrize("scripts", [True, False])
def test_hostile_titles_are_text_everywhere(
    database_of: Callable[[], Database],
    serve: Callable[[Settings], str],
    tmp_path: Any,
    open_page: OpenPage,
    scripts: bool,
) -> None:
    database = database_of()
    settings = Settings(
        database_url=database.url.render_as_string(), models_dir=tmp_path / "models"
    )
    ids = [10 * number for number in range(1, 41)]
    add_movies(database, ids)
    add_ratings(database, draw_ratings())
    publish(database, settings.models_dir, "v1", make_rbm(seed=1))
    address = serve(settings)
    page = open_page(address, java_script_enabled=scripts)
    hostile = dict(zip(ids, HOSTILE * 6, strict=False))
    for movie_id, title in hostile.items():
        body = {"title": title, "year": 1999, "genres": ["<b>bold</b>"]}
        assert page.request.put(f"{address}/movies/{movie_id}", data=body).ok
    said = "&".join(f"like={movie_id}" for movie_id in ids[:14])
    page.goto(f"{address}/?{said}&q=broken")
    if scripts:
        settled(page)
    shown = page.locator(".plain" if not scripts else "#list").locator("h3 bdi").all_inner_texts()
    assert len(shown) >= 10
    expected = {" ".join(title.split()) for title in HOSTILE}
    assert {" ".join(title.split()) for title in shown} <= expected
    assert page.title() == "Films for you"
    assert page.locator("main img, main b, main script").count() == 0
    for width in (1280, 375):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    if scripts:
        nodes = page.locator("#figure .node bdi").all_inner_texts()
        assert set(nodes) & set(HOSTILE)
        page.locator(".unit-node").first.hover()
        page.get_by_role("searchbox").fill("broken")
        expect(page.locator("#found .film").first).to_contain_text("'broken'")
        assert page.title() == "Films for you"


def test_the_page_says_how_to_open_it_where_it_is_closed(
    sample_settings: Settings, serve: Callable[[Settings], str], open_page: OpenPage
) -> None:
    address = serve(sample_settings.model_copy(update={"public_page": False}))
    page = open_page(address, expected=("404",))
    expect(page.get_by_text("RECOMMENDER_PUBLIC_PAGE=true")).to_be_visible()


def test_a_new_version_of_chromium_is_what_draws_the_page(browser: Browser) -> None:
    # `light-dark()` came with version 123: an older one would show no colours and fail above.
    assert int(browser.version.split(".")[0]) >= 123

"""Every command that the documents show is one: parsed as it would be, without running it."""

import re
import shlex
from importlib.util import find_spec
from itertools import takewhile
from typing import Any

import pytest
from typer.main import get_command

from app.cli.main import app
from tests.docs.snippets import DOCUMENTS, ROOT, commands
from tests.security.routes import API, OPEN_PAGES, OPERATORS_PAGES

# By its name, at the start of a line or behind a pipe, or as what an image runs.
NAME = re.compile(
    r"^(?:[A-Z_]+=\S+ +|.*\| *|docker compose exec (?:-T )?[\w-]+ +)?"
    r"recommender +(?P<rest>[a-z-].*)$"
    r"|^docker compose run (?:--rm )?(?:prepare|retraining|backup) +(?P<run>[a-z].*)$"
)
PLACEHOLDER = re.compile(r"\[[^\]]*\]|…|\.\.\.|\$\(")
# Behind one of these the rest of a line belongs to somebody else.
END = ("|", ">", "<", "&", ";")


def recommender() -> list[tuple[str, str]]:
    """List the uses of our command, with what follows it."""
    found = set()
    for document, line in commands():
        match = NAME.match(re.sub(r"(^|\s)#.*", "", line).strip())
        rest = (match["rest"] or match["run"]) if match else ""
        if rest and not PLACEHOLDER.search(rest):
            found.add((document, rest))
    return sorted(found)


USES = recommender()


def words_of(text: str) -> list[str]:
    lexer = shlex.shlex(text, punctuation_chars=";&|<>")  # keeps quotes, so that ';' is no end
    lexer.whitespace_split = True
    lexer.commenters = ""
    own = takewhile(lambda word: not word.startswith(END), lexer)
    return [part for word in own for part in shlex.split(word)]


def parse(command: Any, words: list[str]) -> None:
    """Parse a line down to its subcommand; an unknown option or value is an error."""
    while hasattr(command, "commands"):
        if words[0] == "--version":
            return
        command, words = command.commands[words[0]], words[1:]
    if "--help" not in words:
        command.make_context(command.name, list(words))


def test_the_documents_have_many_commands() -> None:
    assert len(USES) > 40


@pytest.mark.parametrize(("document", "line"), USES)
def test_a_command_of_the_documents_is_understood(document: str, line: str) -> None:  # noqa: ARG001
    parse(get_command(app), words_of(line))


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("serve --prot 8000", "prot"),
        ("nothing", "nothing"),
        ("train --epochs many", "integer"),
        ("models activate", "version"),
    ],
)
def test_a_command_that_is_wrong_would_be_found(line: str, problem: str) -> None:
    with pytest.raises(Exception, match=problem):
        parse(get_command(app), words_of(line))


def test_every_target_of_make_is_there() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    shown = {
        target
        for path in DOCUMENTS
        for target in re.findall(r"`make ([a-z][a-z-]*)[^`\n]*`", path.read_text("utf-8"))
    }
    typed = {word for _, line in commands() for word in re.findall(r"^make ([a-z][a-z-]*)", line)}
    named = shown | typed
    assert len(named) > 8
    assert named - targets == set()


def test_every_module_that_is_run_is_there() -> None:
    named = {
        name
        for path in DOCUMENTS
        for name in re.findall(r"python3? -m ([a-z_][\w.]*\w)", path.read_text("utf-8"))
    }
    assert len(named) > 10
    assert sorted(name for name in named if find_spec(name) is None) == []


ADDRESS = re.compile(r"https?://(?:127\.0\.0\.1|localhost|films\.example)(?::\d+)?(/[^\s\"'?;]*)")


def calls(line: str) -> list[tuple[str, str]]:
    """List method and path of what a line asks of a service with curl."""
    if not re.match(r"(until )?curl ", line):
        return []
    method = re.search(r"(?:-X|--request) ([A-Z]+)", line)
    sends = re.search(r"\s(-d|--data\S*|-F|-T)\b", line)
    verb = method[1] if method else "POST" if sends else "GET"
    return [(verb, path) for path in ADDRESS.findall(line)]


def test_every_address_that_is_called_is_a_route() -> None:
    templates = {(route.method, route.path) for route in API} | OPEN_PAGES | OPERATORS_PAGES
    routes = [
        (method, re.compile(re.sub(r"\{\w+\}", "[^/?]+", path) + r"/?$"))
        for method, path in templates
    ]
    called = [(document, *call) for document, line in commands() for call in calls(line)]
    assert len(called) > 15
    unknown = [
        call for call in called if not any(m == call[1] and p.match(call[2]) for m, p in routes)
    ]
    assert unknown == []

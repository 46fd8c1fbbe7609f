"""The operators' pages show what there is of cards and figures, whatever is missing."""

from collections.abc import Iterator
from copy import deepcopy
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.admin.models import METRICS
from app.admin.security import Visitor
from app.db.engine import Database
from app.jobs.schemas import Failure, RunState, TrainingRun
from app.jobs.service import list_runs
from app.registry.schemas import Model
from app.registry.service import describe, find_model
from app.web.rendering import render
from tests.app.trainings import people, store, train_briefly

VISITOR = Visitor("token", has_cookie=True, key="0b1c", is_open=False)
MOMENT = datetime(2026, 11, 20, 10, 15, tzinfo=UTC)
TRACE = {"at": "2026-11-20T10:15:00+00:00", "by": "key 0b1c"}

Document = dict[str, Any]


@pytest.fixture(scope="module")
def world(
    tmp_path_factory: pytest.TempPathFactory, migrated_sqlite_file: Path
) -> Iterator[tuple[Model, TrainingRun]]:
    """A refused model with all that a card can have, and its run."""
    folder = tmp_path_factory.mktemp("world")
    path = folder / "recommender.db"
    path.write_bytes(migrated_sqlite_file.read_bytes())
    database = Database(f"sqlite:///{path}")
    store(database, people())
    train_briefly(database, folder)
    result = train_briefly(database, folder, from_scratch=False)
    (run, _) = list_runs(database, 2)
    model = find_model(database, result.version)
    model.card.update(rolled_back=TRACE, activated_anyway=TRACE)
    yield model, run
    database.dispose()


def show(name: str, **context: Any) -> str:
    return render(f"admin/{name}", visitor=VISITOR, form_token="0" * 64, **context)


def show_model(model: Model, card: Document) -> None:
    partial = model.model_copy(update={**describe(card, ""), "card": card})
    show("model.html", model=partial, metrics=METRICS)
    show("models.html", models=[partial], previous=partial)
    show("activate.html", model=partial, before=partial)
    show("rollback.html", before=partial, after=partial)


def show_run(run: TrainingRun) -> None:
    show("run.html", run=run)
    show("runs.html", runs=[run], under_way=None if run.state.is_final else run)


def places(document: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every field of a document, and every item of its lists."""
    items: Any = ()
    if isinstance(document, dict):
        items = document.items()
    elif isinstance(document, list):
        items = enumerate(document)
    for name, value in items:
        yield (*path, name)
        yield from places(value, (*path, name))


def without(document: Document, *removed: tuple[Any, ...]) -> Document:
    """Return a document without these fields, or items."""
    document = deepcopy(document)
    for path in sorted(removed, key=repr, reverse=True):
        holder: Any = document
        try:
            for name in path[:-1]:
                holder = holder[name]
            del holder[path[-1]]
        except (KeyError, IndexError):
            pass  # of something that is removed too
    return document


def test_any_one_field_of_a_card_may_be_missing(world: tuple[Model, TrainingRun]) -> None:
    model, _ = world
    show_model(model, model.card)
    parts = {k: v for k, v in model.card.items() if k not in {"curve", "files", "versions"}}
    # Rows of a table are alike.
    paths = [path for path in places(parts) if not any(isinstance(p, int) and p > 1 for p in path)]
    assert ("data", "n_movies") in paths
    for path in paths:
        if path[-1] != "se" or path[0] == "results":
            show_model(model, without(parts, path))


@given(st.data())
@settings(max_examples=50, deadline=None)
def test_any_fields_of_a_card_may_be_missing(
    world: tuple[Model, TrainingRun], data: st.DataObject
) -> None:
    model, _ = world
    removed = st.lists(st.sampled_from(list(places(model.card))), max_size=30)
    show_model(model, without(model.card, *data.draw(removed)))


@given(st.data())
@settings(max_examples=50, deadline=None)
def test_any_figures_of_a_run_may_be_missing(
    world: tuple[Model, TrainingRun], data: st.DataObject
) -> None:
    _, run = world
    document = {"figures": run.figures, "progress": run.progress}
    removed = st.lists(st.sampled_from([p for p in places(document) if len(p) > 1]), max_size=30)
    show_run(run.model_copy(update=without(document, *data.draw(removed))))


def test_a_gate_may_lack_its_verdict(world: tuple[Model, TrainingRun]) -> None:
    _, run = world
    assert run.figures is not None
    show_run(run)
    for path in places(run.figures):
        show_run(run.model_copy(update={"figures": without(run.figures, path)}))


def test_a_run_may_be_of_any_state_with_no_progress(world: tuple[Model, TrainingRun]) -> None:
    _, run = world
    for state in RunState:
        for stage in ("waiting", "snapshot", "settings", "training", "judging"):
            show_run(run.model_copy(update={"state": state, "progress": {"stage": stage}}))


@pytest.mark.parametrize("failure", Failure)
def test_a_failure_is_shown_with_its_reason_and_the_next_attempt(
    world: tuple[Model, TrainingRun], failure: Failure
) -> None:
    run = world[1].model_copy(
        update={"state": RunState.FAILED, "failure": failure, "error": "…", "retry_at": MOMENT}
    )
    page = show("run.html", run=run)
    assert "tries again at" in page
    assert "2026-11-20 10:15" in page
    show_run(run)

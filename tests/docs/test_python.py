"""Every example in Python runs."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sqlalchemy import create_engine, text

from data.mapping import Mapping
from tests.docs.snippets import blocks, of

LONG = {"docs/evaluation.md"}  # it compares models over five splits
PAGES = [
    pytest.param(page, marks=pytest.mark.slow if page in LONG else ())
    for page in sorted({block.document for block in blocks("python")})
]


def reviews() -> pd.DataFrame:
    rng = np.random.default_rng(1)
    return pd.DataFrame(
        {"customer": rng.integers(40, size=400), "sku": rng.integers(1, 30, size=400),
         "score": rng.integers(1, 11, size=400)}
    ).drop_duplicates(["customer", "sku"])  # fmt: skip


class Session:
    """Answers two pages of users."""

    def get(self, url: str, params: dict[str, Any]) -> "Session":
        assert url.endswith("/users")
        self.cursor = params["cursor"]
        return self

    def json(self) -> dict[str, Any]:
        last = bool(self.cursor)
        return {"items": [{"user": "b" if last else "a"}], "next": None if last else "2"}


@pytest.fixture
def world(
    tmp_path: Path, migrated_sqlite_file: Path, monkeypatch: pytest.MonkeyPatch
) -> dict[str, Any]:
    """What examples take for granted: files in the working folder, a database, names."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "var").mkdir()
    (tmp_path / "var" / "recommender.db").write_bytes(migrated_sqlite_file.read_bytes())
    table = reviews()
    table.rename(columns={"customer": "user", "sku": "movie"}).drop(columns="score").assign(
        liked=table["score"] >= 7
    ).to_parquet("likes.parquet")
    table.to_parquet("ratings.parquet")
    read_sql = pd.read_sql
    monkeypatch.setattr(
        pd, "read_sql",
        lambda sql, to, *rest: table if to.startswith("postgresql") else read_sql(sql, to, *rest),
    )  # fmt: skip
    rng = np.random.default_rng(2)
    users, movies = np.nonzero(rng.random((60, 20)) < 0.6)
    return {"users": users, "movies": movies, "liked": rng.random(len(users)) < 0.6}


@pytest.mark.parametrize("page", PAGES)
def test_the_examples_of_a_page_run_one_after_the_other(page: str, world: dict[str, Any]) -> None:
    names = world
    for number, example in enumerate(of(page, "python"), 1):
        exec(compile(example, f"{page}, example {number}", "exec"), names)  # noqa: S102 - our own
    if page == "docs/api.md":
        assert [user["user"] for user in names["changed_users"](Session(), 0)] == ["a", "b"]
    if page in {"README.md", "docs/quick-start.md"}:
        assert names["like"].shape == (2, 3)


def test_the_mapping_of_the_documents_is_read(tmp_path: Path) -> None:
    (example,) = of("docs/data.md", "toml")
    (tmp_path / "store.toml").write_text(example, encoding="utf-8")
    assert Mapping.from_toml(tmp_path / "store.toml").kinds["ping"] == "ignored"


def test_the_queries_of_the_documents_are_answered(migrated_sqlite_file: Path) -> None:
    queries = [block.text for block in blocks("sql")]
    assert queries
    engine = create_engine(f"sqlite:///{migrated_sqlite_file}")
    with engine.connect() as connection:
        for query in queries:
            assert connection.execute(text(query)).all() == []
    engine.dispose()

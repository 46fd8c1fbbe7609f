"""The judge of the proof of the stack: what counts as a failure, and what as lost."""

from pathlib import Path

import pytest

from benchmarks.stack_clients import FAILED, REFUSED, RIGHT, Answer, Client, Load, judged
from benchmarks.stack_engine import Stack, mebibytes


@pytest.mark.parametrize(
    ("status", "body", "outcome"),
    [
        (200, b"{}", RIGHT),
        (201, b"{}", RIGHT),
        (503, b'{"error": "DatabaseUnavailable"}', REFUSED),
        (503, b'{"error": "NotReady"}', FAILED),
        (503, b"<html>", FAILED),
        (404, b'{"error": "MovieNotFound"}', FAILED),
    ],
)
def test_only_the_missing_database_excuses_a_refusal(
    status: int, body: bytes, outcome: str
) -> None:
    assert judged(status, body)[0] == outcome


def test_a_rating_is_lost_if_another_one_is_stored_than_was_acknowledged() -> None:
    client = Client(1, "", [])
    client.stored = {"acknowledged": {4.0}, "unknown": {4.0, 5.0}, "perhaps never": {3.0, None}}
    assert client.lost({"acknowledged": 4.0, "unknown": 5.0}) == 0
    assert client.lost({"acknowledged": 4.5, "unknown": 3.0}) == 2
    assert client.lost({}) == 2


def test_the_service_has_recovered_after_the_last_wrong_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Load, "_read", lambda *_: {"items": []})
    load = Load(1, "", 1)
    load.clients[0].answers = [
        Answer(10.0, 0.1, RIGHT, "GET 200"),
        Answer(12.0, 0.5, FAILED, "GET 502 BadGateway"),
        Answer(13.5, 0.2, REFUSED, "PUT 503 DatabaseUnavailable"),
        Answer(15.0, 0.1, RIGHT, "GET 200"),
    ]
    figures = load.figures(11.0)
    assert (figures.requests, figures.refused, figures.failed) == (4, 1, 1)
    assert figures.recovered_s == 2.5
    assert figures.slowest_s == 0.5
    assert load.figures(14.0).recovered_s == 0


def test_the_next_version_has_one_migration_more(tmp_path: Path) -> None:
    versions = tmp_path / "migrations" / "versions"
    versions.mkdir(parents=True)
    (versions / "0041_last.py").touch()
    assert Stack(tmp_path, tmp_path / "log", {}).add_migration() == "0042"
    text = (versions / "0042_proof.py").read_text()
    assert 'revision = "0042"\ndown_revision = "0041"\n' in text


def test_memory_is_read_as_the_engine_writes_it() -> None:
    assert mebibytes("93.22MiB / 2GiB") == 93.22
    assert mebibytes("1.5GiB / 2GiB") == 1536

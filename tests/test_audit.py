"""The audit of what is locked: an audit that was not made never looks like one that was."""

import sys
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from requirements import audit, sbom

SOUND = {"name": "anyio", "version": "4.16.0", "vulns": []}
SKIPPED = {"name": "click", "skip_reason": "Dependency not found and could not be audited"}
FLAW = {"id": "PYSEC-2026-1", "fix_versions": ["2.1"], "aliases": [], "description": ""}
VULNERABLE = {"name": "jinja2", "version": "2.0", "vulns": [FLAW]}


@pytest.mark.parametrize(
    ("packages", "status", "said"),
    [
        ([SOUND], 0, "1 packages, no known vulnerability"),
        ([SOUND, SKIPPED], audit.NOT_AUDITED, "NOT AUDITED: 1 of 2 packages"),
        ([SOUND, VULNERABLE], audit.FOUND, "jinja2 2.0: PYSEC-2026-1, fixed in 2.1"),
        ([SKIPPED, VULNERABLE], audit.FOUND, "jinja2 2.0: PYSEC-2026-1"),
    ],
)
def test_a_report_is_judged_by_every_package_in_it(
    packages: list[Any], status: int, said: str
) -> None:
    found, lines = audit.judge({"dependencies": packages})
    assert found == status
    assert said in lines[0]


def fake_pip_audit(folder: Path, script: str) -> str:
    path = folder / "pip-audit"
    path.write_text(f"#!{sys.executable}\nimport sys\n{script}\n")
    path.chmod(0o700)
    return str(path)


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("sys.exit('ConnectionError: no route to host')", "ConnectionError: no route to host"),
        ("sys.exit(3)", "pip-audit ended with 3"),
    ],
)
def test_a_service_that_is_away_is_no_audit(tmp_path: Path, script: str, reason: str) -> None:
    report = audit.ask(fake_pip_audit(tmp_path, script), audit.LOCKED)
    assert audit.judge(report) == (audit.NOT_AUDITED, [f"NOT AUDITED: {reason}"])


@pytest.mark.parametrize(("arguments", "status"), [([], 0), (["--required"], audit.NOT_AUDITED)])
def test_an_audit_that_was_not_made_is_loud_and_fails_where_it_is_required(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    status: int,
) -> None:
    monkeypatch.setattr(audit, "ask", lambda *_: "no route to host")
    assert audit.main(arguments) == status
    assert "!!!!" in capsys.readouterr().out


PART: dict[str, Any] = {"purl": "pkg:pypi/anyio@4.16.0"}
FILE: dict[str, Any] = {
    "type": "file", "name": "a.js",
    "hashes": [{"alg": "SHA-256", "content": sha256(b"as it came").hexdigest()}],
}  # fmt: skip
BUNDLE: dict[str, Any] = {"purl": "pkg:npm/a@1", "components": [FILE, {"type": "library"}]}


@pytest.mark.parametrize(
    ("report", "status", "said"),
    [
        ({"dependencies": [SOUND]}, 0, "1 packages of the SBOM audited, 1 vendored unchanged."),
        ({"dependencies": [SKIPPED]}, audit.NOT_AUDITED, "NOT AUDITED: pkg:pypi/anyio@4.16.0"),
        ({"dependencies": [{**SOUND, "version": "5"}]}, audit.NOT_AUDITED, "NOT AUDITED"),
        ("no route to host", audit.NOT_AUDITED, "NOT AUDITED"),
    ],
)
def test_every_part_of_the_sbom_is_audited_or_vendored(
    tmp_path: Path, report: Any, status: int, said: str
) -> None:
    (tmp_path / "a.js").write_bytes(b"as it came")
    found, (line,) = audit.check_sbom(report, {"components": [PART, BUNDLE]}, tmp_path)
    assert (found, line.startswith(said)) == (status, True)


@pytest.mark.parametrize("content", [b"changed", None])
def test_a_vendored_file_that_was_changed_or_lost_is_found(
    tmp_path: Path, content: bytes | None
) -> None:
    if content is not None:
        (tmp_path / "a.js").write_bytes(content)
    report = {"dependencies": [SOUND]}
    found, (line,) = audit.check_sbom(report, {"components": [PART, BUNDLE]}, tmp_path)
    assert found == audit.FOUND
    assert "CHANGED: a.js of pkg:npm/a@1" in line


def test_an_audit_of_everything_covers_the_sbom() -> None:
    locked = [
        {"name": package.name, "version": package.version, "vulns": []}
        for package in sbom.read_locked(audit.LOCKED)
    ]
    assert audit.check_sbom({"dependencies": locked}, sbom.build())[0] == 0


def test_bandit_has_a_reason_for_every_check_that_it_leaves_out() -> None:
    page = (Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8")
    section = page.partition("[tool.bandit]")[2].partition("\n[")[0]
    skips = [line for line in section.splitlines() if line.strip().startswith('"B')]
    assert skips
    assert all("#" in line for line in skips)

"""What a tag sets off: the workflows are sound, and nothing is tagged before it is ready."""

import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from requirements import release

ROOT = Path(__file__).parent.parent
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def load(path: Path) -> dict[str, Any]:
    # YAML 1.1 reads the key `on` as true.
    return {str(k): v for k, v in yaml.safe_load(path.read_text(encoding="utf-8")).items()}


def steps() -> list[dict[str, Any]]:
    jobs = [job for path in WORKFLOWS for job in load(path)["jobs"].values()]
    return [step for job in jobs for step in job.get("steps", [])]


def scripts() -> list[str]:
    return [step["run"] for step in steps() if "run" in step]


def test_a_workflow_may_read_and_each_job_says_what_it_may_write() -> None:
    assert [path.stem for path in WORKFLOWS] == ["ci", "release"]
    for path in WORKFLOWS:
        assert load(path)["permissions"] == {"contents": "read"}
        for name, job in load(path)["jobs"].items():
            assert "timeout-minutes" in job or "uses" in job, name
    jobs = load(WORKFLOWS[1])["jobs"]
    assert [name for name, job in jobs.items() if "write" in str(job.get("permissions"))] == [
        "wheel", "images", "chart", "publish",
    ]  # fmt: skip


def test_an_action_of_others_is_pinned_to_a_commit() -> None:
    used = {step["uses"] for step in steps() if "uses" in step}
    others = {action for action in used if not action.startswith("actions/")}
    assert others
    assert all(re.search(r"@[0-9a-f]{40}$", action) for action in others)
    assert all(re.search(r"@v[0-9]+$", action) for action in used - others)


def test_no_checkout_leaves_the_token_behind() -> None:
    checkouts = [step for step in steps() if step.get("uses", "").startswith("actions/checkout@")]
    assert checkouts
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)


@pytest.mark.parametrize("script", scripts())
def test_a_script_is_sound_and_calls_what_exists(script: str) -> None:
    subprocess.run(["/bin/bash", "-n", "-c", script], check=True)
    assert "${{" not in script, "values come by `env`"
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"\bmake ([a-z-]+)", script):
        assert f"\n{target}:" in makefile
    for path in re.findall(r"\b(?:docs|clients|deploy)(?:/[\w./-]+)?", script):
        assert (ROOT / path).exists(), path


def test_images_are_built_with_arguments_that_the_dockerfile_takes() -> None:
    (build,) = [step for step in steps() if "build-push-action" in step.get("uses", "")]
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    taken = set(re.findall(r"^ARG (\w+)", dockerfile, re.MULTILINE))
    given = [line.partition("=")[0] for line in build["with"]["build-args"].splitlines()]
    assert given
    assert set(given) <= taken


@pytest.fixture
def ready(tmp_path: Path) -> Path:
    """A project whose version 1.2.3 may be tagged."""
    (tmp_path / release.CHART).parent.mkdir(parents=True)
    (tmp_path / release.CHART).write_text('name: x\nversion: 1.2.3\nappVersion: "1.2.3"\n')
    (tmp_path / "pyproject.toml").write_text('[project]\nversion = "1.2.3"\n')
    (tmp_path / "CHANGELOG.md").write_text(
        "## [Unreleased]\n\n## [1.2.3] - 2027-01-01\n\n- Good.\n\n## [1.2.2]\n\n- Old.\n"
    )
    return tmp_path


def test_a_version_that_is_ready_has_its_notes(ready: Path) -> None:
    assert release.problems("1.2.3", ready) == []
    assert release.notes("1.2.3", ready) == "- Good."


def test_what_is_missing_is_named(ready: Path) -> None:
    assert release.problems("1.2.4", ready) == [
        "pyproject.toml, version: 1.2.3 is not 1.2.4",
        "deploy/helm/recommender/Chart.yaml, version: 1.2.3 is not 1.2.4",
        "deploy/helm/recommender/Chart.yaml, appVersion: 1.2.3 is not 1.2.4",
        "CHANGELOG.md: no section [1.2.4] with a line in it",
    ]
    (ready / "CHANGELOG.md").write_text("## [1.2.3]\n\n## [1.2.2]\n\n- Old.\n")
    assert release.problems("1.2.3", ready) == [
        "CHANGELOG.md: no section [1.2.3] with a line in it"
    ]
    assert "1.2 is no version such as 1.2.3" in release.problems("1.2", ready)


def test_project_and_chart_have_one_version() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    version = project["version"]
    assert [line for line in release.problems(version) if "CHANGELOG" not in line] == []


def test_a_version_that_is_not_ready_ends_the_release(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert release.main("99.0.0") == 1
    assert capsys.readouterr().err.startswith("pyproject.toml, version: ")
    monkeypatch.setattr(release, "problems", lambda _: [])
    monkeypatch.setattr(release, "notes", lambda _: "- Good.")
    assert release.main("99.0.0") == 0
    assert capsys.readouterr().out == "- Good.\n"

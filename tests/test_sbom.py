"""The SBOM: valid CycloneDX of all that an image installs, the same every time."""

import json
import subprocess
from email.message import Message
from pathlib import Path
from typing import Any

import pytest

from requirements import sbom

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return sbom.build()


def component(document: dict[str, Any], name: str) -> dict[str, Any]:
    (found,) = (part for part in document["components"] if part["name"] == name)
    return dict(found)


def test_the_file_is_valid_and_the_same_every_time(
    document: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    path = tmp_path / "made" / "sbom.cdx.json"
    assert sbom.main([str(path)]) == 0  # raises if it is not valid
    content = path.read_text()
    assert content == json.dumps(document, indent=2) + "\n"
    assert "timestamp" not in content
    assert str(ROOT) not in content


def test_what_is_no_cyclonedx_is_not_written(document: dict[str, Any]) -> None:
    with pytest.raises(sbom.SbomError, match="not valid"):
        sbom.check(json.dumps({**document, "components": [{"name": "nameless"}]}))


def test_a_time_is_that_of_the_source(
    document: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1795176000")
    dated = sbom.build()
    assert dated["metadata"].pop("timestamp") == "2026-11-20T12:00:00+00:00"
    assert dated == document


def test_every_locked_package_has_its_hashes_and_a_licence(document: dict[str, Any]) -> None:
    parts = {part["purl"]: part for part in document["components"]}
    lock = sbom.INSTALLED.read_text()
    locked = sbom.read_locked(sbom.INSTALLED)
    assert len(locked) > 40
    for package in locked:
        part = parts[package.purl]
        (reference,) = part["externalReferences"]
        hashes = {entry["content"] for entry in reference["hashes"]}
        assert len(hashes) == len(package.hashes) > 0
        assert all(f"--hash=sha256:{sha256}" in lock for sha256 in hashes)
        assert part["licenses"]
    heads = {line.partition("==")[0] for line in lock.splitlines() if line[:1].isalpha()}
    other_platforms = {"colorama", "httpx2-jsfetch", "tzdata"}
    assert heads - {package.name for package in locked} <= other_platforms


def test_the_scope_tells_what_serving_needs(document: dict[str, Any]) -> None:
    assert component(document, "fastapi")["scope"] == "required"
    assert component(document, "numba")["scope"] == "optional"
    assert component(document, "axe-core")["scope"] == "excluded"  # of the tests
    assert component(document, "swagger-ui-dist")["scope"] == "required"


def test_the_graph_reaches_every_package(document: dict[str, Any]) -> None:
    needs = {entry["ref"]: entry["dependsOn"] for entry in document["dependencies"]}
    reached, left = set(), [document["metadata"]["component"]["bom-ref"]]
    while left:
        ref = left.pop()
        if ref not in reached:
            reached.add(ref)
            left += needs.get(ref, [])
    parts = {part["bom-ref"] for part in document["components"] if part["scope"] != "excluded"}
    assert parts <= reached
    fastapi = component(document, "fastapi")["bom-ref"]
    assert component(document, "starlette")["bom-ref"] in needs[fastapi]


def test_a_package_of_another_version_than_the_locked_one_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    changed = tmp_path / "run.txt"
    changed.write_text(sbom.INSTALLED.read_text().replace("\nfastapi==", "\nfastapi==1"))
    monkeypatch.setattr(sbom, "INSTALLED", changed)
    with pytest.raises(sbom.SbomError, match=r"fastapi \S+ is locked, and \S+ installed"):
        sbom.build()


@pytest.mark.parametrize(
    ("about", "licence"),
    [
        ({"License-Expression": "MIT"}, {"license": {"id": "MIT"}}),
        ({"License-Expression": "MIT OR Apache-2.0"}, {"expression": "MIT OR Apache-2.0"}),
        ({"License": "bsd-3-clause"}, {"license": {"id": "BSD-3-Clause"}}),
        ({"License": "Copyright\nand more"}, {"license": {"name": "BSD License"}}),
        ({}, {"license": {"name": "BSD License"}}),
    ],
)
def test_a_licence_is_that_which_the_package_states(
    about: dict[str, str], licence: dict[str, Any]
) -> None:
    stated: Any = Message()
    stated["Name"] = "a"
    stated["Classifier"] = "License :: OSI Approved :: BSD License"
    for name, value in about.items():
        stated[name] = value
    assert sbom.licences(stated) == [licence]


def test_no_file_of_the_repository_is_an_sbom_that_may_be_out_of_date() -> None:
    tracked = subprocess.run(
        ["git", "ls-files", "*.cdx.json"],  # noqa: S607 (whichever git there is)
        cwd=ROOT, capture_output=True, text=True, check=False,
    ).stdout.split()  # fmt: skip
    assert set(tracked) <= {"requirements/vendored.cdx.json"}

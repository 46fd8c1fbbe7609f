"""The list of vendored JavaScript names every file of other projects, as it came from them."""

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

from app.http import docs

ROOT = Path(__file__).parent.parent
FOLDERS = (docs.FOLDER, ROOT / "tests" / "browser" / "axe-core")
LIST: dict[str, Any] = json.loads((ROOT / "requirements" / "vendored.cdx.json").read_text())
COMPONENTS: list[dict[str, Any]] = LIST["components"]


def test_every_vendored_file_is_listed_and_unchanged() -> None:
    listed = {
        part["name"]: part["hashes"]
        for component in COMPONENTS
        for part in component["components"]
        if part["type"] == "file"
    }
    files = [path for folder in FOLDERS for path in folder.iterdir() if path.name != "README.md"]
    assert listed == {
        str(path.relative_to(ROOT)): [
            {"alg": "SHA-256", "content": sha256(path.read_bytes()).hexdigest()}
        ]
        for path in files
    }


def test_every_component_has_a_version_an_address_and_a_licence() -> None:
    assert (LIST["bomFormat"], LIST["specVersion"]) == ("CycloneDX", "1.6")
    for component in COMPONENTS:
        assert component["purl"] == f"pkg:npm/{component['name']}@{component['version']}"
        assert component["licenses"]


def test_the_versions_are_those_in_the_files() -> None:
    swagger_ui, axe = COMPONENTS
    bundle = (docs.FOLDER / "swagger-ui-bundle.js").read_text(encoding="utf-8")
    for part in (swagger_ui, *swagger_ui["components"]):
        assert part["type"] == "file" or f'"{part["version"]}"' in bundle
    assert f"axe v{axe['version']}" in (FOLDERS[1] / "axe.min.js").read_text(encoding="utf-8")[:30]


def test_the_page_about_the_api_serves_vendored_files_alone() -> None:
    assert set(docs.ASSETS) <= {path.name for path in docs.FOLDER.iterdir()}

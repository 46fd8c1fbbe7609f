"""Writes a CycloneDX SBOM of all that an image installs: `python -m requirements.sbom FILE`.

Packages, their hashes and what needs them come from the locked lists, their licences from the
packages as installed here, JavaScript from `vendored.cdx.json`. The same lists give the same file:
it has no time (`SOURCE_DATE_EPOCH` gives it one) and no random number.
"""

from __future__ import annotations

import json
import os
import re
import sys
import tomllib
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple
from uuid import NAMESPACE_URL, uuid5

from cyclonedx.schema import SchemaVersion
from cyclonedx.spdx import fixup_id, is_expression
from cyclonedx.validation.json import JsonStrictValidator
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

FOLDER = Path(__file__).parent
# Everything that is installed, and the part of it that answers requests.
INSTALLED, SERVING = FOLDER / "run.txt", FOLDER / "serve.txt"
VENDORED = FOLDER / "vendored.cdx.json"
PROJECT = FOLDER.parent / "pyproject.toml"

# An entry of a list: the requirement, its hashes, and what it is there for.
ENTRY = re.compile(r"^(?P<head>[a-z0-9].*?) \\\n(?P<tail>(?: .*\n)+)", re.MULTILINE)
# Names that older packages give to licences; "BSD License" could be any of several.
SPDX = {
    "ISC License": "ISC",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
}
HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")
NEEDED_BY = re.compile(r"^    #(?: via|  ) (\w[\w.-]*)", re.MULTILINE)


class SbomError(Exception):
    """The SBOM cannot be made."""


class Locked(NamedTuple):
    """An entry of a list of locked packages."""

    name: str
    version: str
    hashes: list[str]
    needed_by: list[str]

    @property
    def purl(self) -> str:
        """Its address, and its name within the SBOM."""
        return f"pkg:pypi/{self.name}@{self.version}"


def read_locked(path: Path) -> list[Locked]:
    """Return what a list installs on this platform."""
    packages = []
    for entry in ENTRY.finditer(path.read_text(encoding="utf-8")):
        wanted = Requirement(entry["head"])
        if wanted.marker is None or wanted.marker.evaluate():
            version = str(wanted.specifier).removeprefix("==")
            hashes, needed_by = HASH.findall(entry["tail"]), NEEDED_BY.findall(entry["tail"])
            packages.append(Locked(canonicalize_name(wanted.name), version, hashes, needed_by))
    return packages


def build() -> dict[str, Any]:
    """Return the SBOM."""
    project = tomllib.loads(PROJECT.read_text(encoding="utf-8"))["project"]
    vendored = json.loads(VENDORED.read_text(encoding="utf-8"))["components"]
    locked, serving = read_locked(INSTALLED), {p.name for p in read_locked(SERVING)}
    root = f"pkg:generic/{project['name']}@{project['version']}"
    content = {
        "components": [
            *(_component(package, serving) for package in sorted(locked)),
            *vendored,
        ],
        "dependencies": _dependencies(root, project["name"], locked, vendored),
    }
    name = uuid5(NAMESPACE_URL, root + json.dumps(content, sort_keys=True))
    about: dict[str, Any] = {
        "component": {
            "type": "application",
            "bom-ref": root,
            "name": project["name"],
            "version": project["version"],
            "purl": root,
            "licenses": [{"license": {"id": project["license"]}}],
        }
    }
    if epoch := os.environ.get("SOURCE_DATE_EPOCH"):
        about["timestamp"] = datetime.fromtimestamp(int(epoch), UTC).isoformat()
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": name.urn,
        "version": 1,
        "metadata": about,
        **content,
    }


def check(document: str) -> None:
    """Raise `SbomError` unless this is valid CycloneDX 1.6."""
    found = JsonStrictValidator(SchemaVersion.V1_6).validate_str(document)
    if found is not None:
        raise SbomError(f"the SBOM is not valid CycloneDX: {found.data}")


def _component(package: Locked, serving: set[str]) -> dict[str, Any]:
    try:
        about = metadata.metadata(package.name)
    except metadata.PackageNotFoundError:
        about = None
    if about is None or about["Version"] != package.version:
        found = about["Version"] if about else "none"
        raise SbomError(
            f"{package.name} {package.version} is locked, and {found} installed: `make install-dev`"
        )
    return {
        "type": "library",
        "bom-ref": package.purl,
        "name": package.name,
        "version": package.version,
        "purl": package.purl,
        "scope": "required" if package.name in serving else "optional",
        "licenses": licences(about),
        # Of each file of the release: which of them is installed depends on the platform.
        "externalReferences": [
            {
                "type": "distribution",
                "url": package.purl,
                "hashes": [{"alg": "SHA-256", "content": sha256} for sha256 in package.hashes],
            }
        ],
    }


def licences(about: metadata.PackageMetadata) -> list[dict[str, Any]]:
    """Return the licence as an SPDX id or expression where it is one, or else as it is named."""
    classifiers = [
        line.rpartition(" :: ")[2]
        for line in about.get_all("Classifier") or ()
        if line.startswith("License :: ")
    ]
    stated = about.get("License-Expression") or about.get("License") or ""
    if "\n" in stated or not stated:  # the whole text, or nothing
        stated = " AND ".join(classifiers)
    if not stated:
        raise SbomError(f"{about['Name']} states no licence")
    if id_ := fixup_id(SPDX.get(stated, stated)):
        return [{"license": {"id": id_}}]
    if is_expression(stated):
        return [{"expression": stated}]
    return [{"license": {"name": stated}}]


def _dependencies(
    root: str, project: str, locked: list[Locked], vendored: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    refs = {project: root} | {package.name: package.purl for package in locked}
    needs: dict[str, set[str]] = {ref: set() for ref in refs.values()}
    for package in locked:
        for name in package.needed_by:
            if name in refs:  # others are for other platforms
                needs[refs[name]].add(package.purl)
    needs[root] |= {part["bom-ref"] for part in vendored if part["scope"] == "required"}
    return [{"ref": ref, "dependsOn": sorted(needed)} for ref, needed in sorted(needs.items())]


def main(arguments: list[str]) -> int:
    """Write the file that is named."""
    (target,) = map(Path, arguments)
    document = json.dumps(build(), indent=2) + "\n"
    check(document)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(document, encoding="utf-8")
    print(f"{target}: {len(json.loads(document)['components'])} components")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

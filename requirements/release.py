"""Checks that a version may be tagged, prints its notes: `python -m requirements.release 1.2.3`."""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent
CHART = Path("deploy/helm/recommender/Chart.yaml")
NUMBER = re.compile(r"[0-9]+\.[0-9]+\.[0-9]+")


def problems(version: str, root: Path = ROOT) -> list[str]:
    """Return what has to be done before this version is tagged."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    named = {"pyproject.toml, version": project["version"]}
    for field in ("version", "appVersion"):
        named[f"{CHART}, {field}"] = _field(root / CHART, field)
    wrong = [f"{place}: {is_} is not {version}" for place, is_ in named.items() if is_ != version]
    if not NUMBER.fullmatch(version):
        wrong.append(f"{version} is no version such as 1.2.3")
    if not notes(version, root):
        wrong.append(f"CHANGELOG.md: no section [{version}] with a line in it")
    return wrong


def notes(version: str, root: Path = ROOT) -> str:
    """Return the section of the changelog; empty if there is none."""
    text = (root / "CHANGELOG.md").read_text(encoding="utf-8")
    sections = re.split(r"^## \[(.+?)\].*$", text, flags=re.MULTILINE)
    return dict(zip(sections[1::2], sections[2::2], strict=True)).get(version, "").strip()


def _field(path: Path, name: str) -> str:
    found = re.search(rf"^{name}: *[\"']?(.+?)[\"']?$", path.read_text("utf-8"), re.MULTILINE)
    return found[1] if found else ""


def main(version: str) -> int:
    """Print the notes, or what has to be done."""
    wrong = problems(version)
    for line in wrong:
        print(line, file=sys.stderr)
    if not wrong:
        print(notes(version))
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))

"""Asks pip-audit whether a version that is locked in `dev.txt` has a known vulnerability.

Nothing of the SBOM is left out: what is no Python package lies in this repository, and its files
must be those that were vendored.

pip-audit itself ends well when its service knows none of the packages, as a mirror does that serves
files but no advisories, and ends alike on a vulnerability and on a network that is away. Here an
audit that was not made is said to be none, as loudly as possible; it fails where `--required` says
that nobody will be reading.
"""

from __future__ import annotations

import json
import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from typing import Any

from requirements import sbom

LOCKED = Path(__file__).parent / "dev.txt"
ROOT = Path(__file__).parent.parent
FOUND, NOT_AUDITED = 1, 2


def ask(pip_audit: str, locked: Path) -> dict[str, Any] | str:
    """Return what pip-audit reports, or why it reports nothing."""
    # The list is whole and pinned by hashes: neither pip nor its index has anything to add.
    command = [pip_audit, "--disable-pip", "--require-hashes", "--requirement", str(locked)]
    options = ["--format", "json", "--progress-spinner", "off", "--timeout", "30"]
    ended = subprocess.run([*command, *options], capture_output=True, text=True, check=False)  # noqa: S603
    try:
        report: dict[str, Any] = json.loads(ended.stdout)
    except ValueError:
        lines = ended.stderr.strip().splitlines()
        return lines[-1] if lines else f"pip-audit ended with {ended.returncode}"
    return report


def judge(report: dict[str, Any] | str) -> tuple[int, list[str]]:
    """Return the exit status of an audit, and the lines that say what came of it."""
    if isinstance(report, str):
        return NOT_AUDITED, [f"NOT AUDITED: {report}"]
    packages = report["dependencies"]
    skipped = [package for package in packages if "skip_reason" in package]
    found = [
        f"VULNERABLE: {package['name']} {package['version']}: {flaw['id']}, "
        f"fixed in {', '.join(flaw['fix_versions']) or 'no version yet'}"
        for package in packages
        for flaw in package.get("vulns", ())
    ]
    lines = found + [
        f"NOT AUDITED: {len(skipped)} of {len(packages)} packages, "
        f"the first because: {package['skip_reason']}"
        for package in skipped[:1]
    ]
    status = FOUND if found else NOT_AUDITED if skipped else 0
    return status, lines or [f"{len(packages)} packages, no known vulnerability."]


def check_sbom(
    report: dict[str, Any] | str, document: dict[str, Any], root: Path = ROOT
) -> tuple[int, list[str]]:
    """Return the same for the SBOM: each part is audited, or vendored and unchanged."""
    packages = report["dependencies"] if isinstance(report, dict) else ()
    audited = {f"pkg:pypi/{package['name']}@{package.get('version')}" for package in packages}
    components = document["components"]
    python = [part["purl"] for part in components if part["purl"].startswith("pkg:pypi/")]
    vendored = [part for part in components if part["purl"] not in python]
    changed = [
        f"CHANGED: {file['name']} of {part['purl']} is not the file that was vendored"
        for part in vendored
        for file in part["components"]
        if file["type"] == "file" and not _is_unchanged(root / file["name"], file["hashes"])
    ]
    missing = [f"NOT AUDITED: {purl} of the SBOM" for purl in python if purl not in audited]
    if changed:
        return FOUND, changed
    if missing:
        return NOT_AUDITED, [f"{missing[0]}, and {len(missing) - 1} more parts of it"]
    return 0, [f"{len(python)} packages of the SBOM audited, {len(vendored)} vendored unchanged."]


def _is_unchanged(path: Path, hashes: list[dict[str, str]]) -> bool:
    found = sha256(path.read_bytes()).hexdigest() if path.is_file() else None
    return [found] == [entry["content"] for entry in hashes if entry["alg"] == "SHA-256"]


def main(arguments: list[str]) -> int:
    """Audit; return the exit status."""
    report = ask(str(Path(sys.executable).with_name("pip-audit")), LOCKED)
    status, lines = judge(report)
    sbom_status, sbom_lines = check_sbom(report, sbom.build())
    # The more serious first: a vulnerability, then what was not audited.
    results = sorted([(status, lines), (sbom_status, sbom_lines)], key=lambda r: r[0] or 3)
    status, lines = results[0][0], [line for _, lines in results for line in lines]
    if status == NOT_AUDITED and "--required" not in arguments:
        lines.append("Going on without it. `make audit` fails where it cannot be made.")
        status = 0
    loud = lines[0].startswith(("NOT", "VULNERABLE", "CHANGED"))
    width = max(map(len, lines)) if loud else 0
    rule = ["!" * min(width, 100)] if width else []
    print("\n".join([*rule, *lines, *rule]))
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

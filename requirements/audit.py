"""Asks pip-audit whether a version that is locked in `dev.txt` has a known vulnerability.

pip-audit itself ends well when its service knows none of the packages, as a mirror does that serves
files but no advisories, and ends alike on a vulnerability and on a network that is away. Here an
audit that was not made is said to be none, as loudly as possible; it fails where `--required` says
that nobody will be reading.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

LOCKED = Path(__file__).parent / "dev.txt"
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


def main(arguments: list[str]) -> int:
    """Audit; return the exit status."""
    status, lines = judge(ask(str(Path(sys.executable).with_name("pip-audit")), LOCKED))
    if status == NOT_AUDITED and "--required" not in arguments:
        lines.append("Going on without it. `make audit` fails where it cannot be made.")
        status = 0
    width = max(map(len, lines)) if lines[0].startswith(("NOT", "VULNERABLE")) else 0
    rule = ["!" * min(width, 100)] if width else []
    print("\n".join([*rule, *lines, *rule]))
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

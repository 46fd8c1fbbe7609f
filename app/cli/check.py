"""`recommender check`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli import output
from app.cli.failures import REFUSED

if TYPE_CHECKING:
    from app.cli.checks import Finding


def check(
    *,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Check settings, database, models, disks, clock and ports: each is ok, or what to do is said.

    Nothing is changed. The exit code is 2 if the service could not do its work.
    """
    from app.cli.checks import State, findings

    found = findings()
    is_ok = all(finding.state is not State.FAILED for finding in found)
    if as_json:
        checks = [finding._asdict() for finding in found]
        output.say(json.dumps({"ok": is_ok, "checks": checks}))
    else:
        _show(found)
    if not is_ok:
        raise typer.Exit(REFUSED)


def _show(found: list[Finding]) -> None:
    width = max(len(finding.name) for finding in found)
    for finding in found:
        output.say(f"{finding.state:<7}  {finding.name:<{width}}  {finding.text}")

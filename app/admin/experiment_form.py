"""The form of an experiment as a definition."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from app.admin.forms import Fields, ProblemError, filled, problem_of, rows_of, share_of
from app.live.rules import MAX_ARMS, ExperimentDefinition

LABELS = {
    "arms": "arm", "name": "name", "share": "share", "model": "model", "scenario": "scenario",
    "metric": "what counts", "days": "days", "alpha": "false alarms",
}  # fmt: skip
# Two arms that share all users, one week.
FIRST = {
    "metric": "clicked", "days": "7", "alpha": "5",
    "arm-0-name": "control", "arm-0-share": "50", "arm-1-name": "new", "arm-1-share": "50",
}  # fmt: skip


def read(fields: Fields) -> ExperimentDefinition:
    """Read a definition from the fields of the form; raises `ProblemError`."""
    document: dict[str, Any] = {
        "arms": [_arm(row) for row in rows_of(fields, "arm", MAX_ARMS)],
        **filled(fields, "scenario", "metric", "days"),
        **{name: share_of(text) for name, text in filled(fields, "alpha").items()},
    }
    try:
        return ExperimentDefinition.model_validate(document, strict=False)  # of texts
    except ValidationError as error:
        raise problem_of(error.errors(), LABELS) from None


def _arm(row: Mapping[str, str]) -> dict[str, Any]:
    if "name" not in row:
        raise ProblemError("An arm has no name.")
    share = {} if "shadow" in row else {"share": share_of(row.get("share", ""))}
    shadow = {"shadow": True, "share": 0.0} if "shadow" in row else {}
    return {**filled(row, "name", "model", "scenario"), **share, **shadow}

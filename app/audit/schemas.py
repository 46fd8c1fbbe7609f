"""Request and response models for the audit log."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from app.db.audit import Action
from app.http.api import RequestModel
from app.http.cursors import Cursor, CursorText


class AuditRecord(BaseModel):
    """Who did what, and when."""

    model_config = ConfigDict(
        from_attributes=True,
        json_schema_extra={
            "examples": [
                {
                    "id": 12,
                    "at": "2026-11-20T10:15:00Z",
                    "who": "key 0b1c6f3fd2a4",
                    "action": "model_activated",
                    "subject": "20261120T101500Z-3f2a91c0",
                    "detail": {"before": "20261101T090000Z-77b0d1e2"},
                }
            ]
        },
    )

    id: int
    at: datetime
    who: str = Field(description="An API key by its prefix, a command, or a training run")
    action: str = Field(description="What was done; later versions may add further ones")
    subject: str | None = Field(description="To what: a model, a key, a scenario, …")
    detail: dict[str, Any] | None = Field(description="Further facts, by action")


class AuditPage(BaseModel):
    """A page of the audit log, the latest first."""

    items: list[AuditRecord]
    next: str | None = Field(description="Cursor of the next page; null at the end")


class AuditQuery(RequestModel):
    """Which part of the audit log."""

    action: Annotated[
        list[Action],
        Field(max_length=len(Action), description="Only these actions; may be repeated"),
    ] = []
    limit: Annotated[int, Field(ge=1, le=1000, description="Records per page")] = 100
    cursor: CursorText = ""


class AuditCursor(Cursor):
    """The position behind a record."""

    before: Annotated[int, Field(ge=1, le=2**63 - 1, alias="b")]

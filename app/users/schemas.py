"""How users are named."""

from typing import Annotated

from fastapi import Path

UserKey = Annotated[
    str,
    Path(
        pattern="^[A-Za-z0-9._~@:+-]{1,128}$",
        description="The key under which you know this person; it is opaque to the service",
        examples=["42"],
    ),
]

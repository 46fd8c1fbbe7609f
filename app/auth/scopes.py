"""Scopes of API keys, in a module without imports, for a fast command line."""

from enum import StrEnum


class Scope(StrEnum):
    """What a key allows; `admin` allows everything, `write` does not include `read`."""

    READ = "read"
    WRITE = "write"
    ADMIN = "admin"

"""What an API key allows, apart from all else about keys: the command line asks for no more."""

from enum import StrEnum


class Scope(StrEnum):
    """What a key allows; `admin` allows everything, `write` not reading."""

    READ = "read"
    WRITE = "write"
    ADMIN = "admin"

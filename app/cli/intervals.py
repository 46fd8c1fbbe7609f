"""Lengths of time as a command is given them."""

import re

import typer

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def seconds(interval: str, option: str = "--every") -> int:
    """Read a length of time such as 6h."""
    match = re.fullmatch(r"([1-9][0-9]{0,5})([smhd])", interval)
    if match is None:
        raise typer.BadParameter(
            f"{interval!r} is no interval such as 90s, 30m, 6h or 1d", param_hint=option
        )
    return int(match[1]) * UNITS[match[2]]

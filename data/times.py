"""Moments as files write them, as Unix seconds."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from data.release import NO_TIME
from data.rules import MAX_TIME

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["any_times", "unix_second", "unix_seconds"]

# In the syntax that Python and RE2 share.
_SECONDS = re.compile(r"[ \t]*[0-9]{1,12}[ \t]*")
_NUMBER = r"^[ \t]*([0-9]{1,16})(?:\.[0-9]*)?[ \t]*$"
_ISO = (
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"(?:[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]{1,9})?)?"
    r"(?: ?(?:Z|UTC|[+-][0-9]{2}:?[0-9]{2}))?)?$"
)
Times = tuple["NDArray[np.int64]", "NDArray[np.bool_]"]


def unix_seconds(column: pa.Array[Any]) -> Times:
    """Return Unix seconds, and which of them are missing or wrong, two arrays of shape (n,)."""
    try:
        numbers = column.cast(pa.int64())
    except pa.ArrowInvalid:
        values = column.to_pylist()
        numbers = pa.array([int(v) if v and _SECONDS.fullmatch(v) else None for v in values])
    return _bounded(numbers.cast(pa.int64()))


def any_times(column: pa.Array[Any]) -> Times:
    """Return the same of moments in any form.

    A number is Unix seconds, with or without a fraction; one that would be after the year 9999 is
    milliseconds. A text is a number or ISO 8601, in UTC where it names no zone.
    """
    kind = column.type
    if pa.types.is_timestamp(kind):
        return _bounded(column.cast(pa.timestamp("s"), safe=False).cast(pa.int64()))
    if pa.types.is_date(kind):
        return _bounded(column.cast(pa.timestamp("s")).cast(pa.int64()))
    if pa.types.is_floating(kind):
        column = pc.if_else(pc.is_finite(column), pc.floor(column.cast(pa.float64())), None)
        safe = pc.if_else(pc.less(pc.abs(column), pa.scalar(1e17)), column, None)
        return _of_numbers(safe.cast(pa.int64()))
    if pa.types.is_integer(kind):
        too_large = pa.types.is_unsigned_integer(kind) and kind.bit_width == 64
        return _of_numbers(column.cast(pa.int64(), safe=not too_large))
    return _of_texts(column.cast(pa.string()))


def unix_second(value: Any) -> int:
    """Return the Unix seconds of one moment in any form; raise ValueError if it is none."""
    try:
        seconds, bad = any_times(pa.array([value]))
    except (pa.ArrowException, OverflowError) as error:
        raise ValueError(f"{value!r} is no moment") from error
    if bad[0]:
        raise ValueError(f"{value!r} is no moment")
    return int(seconds[0])


def _of_texts(column: pa.Array[Any]) -> Times:
    found = pc.match_substring_regex(column, _NUMBER)
    digits = pc.replace_substring_regex(pc.if_else(found, column, None), _NUMBER, r"\1")
    times, bad = _of_numbers(digits.cast(pa.int64()))
    is_number = _known(found)
    if is_number.all():
        return times, bad
    is_iso = _known(pc.match_substring_regex(column, _ISO))
    texts = pc.replace_substring(column.filter(pa.array(is_iso)), "UTC", "Z").to_pandas()
    moments = pd.to_datetime(texts, format="ISO8601", utc=True, errors="coerce")
    seconds = moments.dt.as_unit("s").astype("int64").to_numpy().copy()
    seconds[moments.isna().to_numpy()] = -1
    times[is_iso] = seconds
    bad[is_iso] = (seconds < 0) | (seconds > MAX_TIME)
    return times, bad


def _known(found: pa.Array[Any]) -> NDArray[np.bool_]:
    """Return what was found, False where the value is missing."""
    filled = pc.if_else(pc.is_valid(found), found, pa.scalar(value=False))
    known: NDArray[np.bool_] = filled.to_numpy(zero_copy_only=False).astype(np.bool_)
    return known


def _of_numbers(numbers: pa.Array[Any]) -> Times:
    values = numbers.fill_null(-1).to_numpy(zero_copy_only=False)
    seconds = np.where(values > MAX_TIME, values // 1000, values)
    return seconds, (seconds < 0) | (seconds > MAX_TIME)


def _bounded(numbers: pa.Array[Any]) -> Times:
    times = numbers.fill_null(-1).to_numpy(zero_copy_only=False)
    return times, (times < 0) | (times > MAX_TIME)


def no_times(n_rows: int) -> Times:
    """Return the times of a file that tells none."""
    return np.full(n_rows, NO_TIME), np.zeros(n_rows, dtype=np.bool_)

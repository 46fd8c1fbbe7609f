"""JSON Lines as a table: an object per line."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from data.progress import Progress, ignore_progress
from data.release import DatasetError
from data.rules import brief, shown
from data.salvage import Block, batch_of
from data.tables import Record, Roles, TextTable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from data.source import DataFile

__all__ = ["JsonTable"]

# Also the longest line.
JSON_BLOCK_BYTES = 1 << 20
_BOM = b"\xef\xbb\xbf"
# Half of a surrogate pair is no text; U+FFFF is refused wherever it stands.
_HALF_PAIR = re.compile("[\ud800-\udfff]")
Lines = list[tuple[int, bytes]]


class JsonTable(TextTable):
    """A file of JSON Lines."""

    is_text = False
    more_may_follow = True

    def __init__(self, file: DataFile) -> None:
        super().__init__(file)
        with file.open() as stream:
            first = next(_json_blocks(stream, file.label), [])
        names: dict[str, None] = {}
        for _, value, _ in _objects(first):
            names |= dict.fromkeys(value)
        self.names = list(names)

    def blocks(
        self, roles: Roles, *, is_mapped: bool, keep_broken: bool, progress: Progress
    ) -> Iterator[Block]:
        """Yield the rows in blocks; the columns that no role has are not read."""
        del keep_broken  # a line never takes others with it
        known = None if is_mapped else {*self.names, *roles.values()}
        with self.file.open() as raw:
            stream = self._metered(raw, progress)
            for lines in _json_blocks(stream, self.file.label):
                yield _json_block(lines, roles, known)
            self._sha256 = stream.sha256()

    def records(self) -> Iterator[Record]:
        """Yield the rows with all their columns."""
        with self.file.open() as raw:
            stream = self._metered(raw, ignore_progress)
            for lines in _json_blocks(stream, self.file.label):
                objects = _objects(lines)
                for (number, line), (_, values, fault) in zip(lines, objects, strict=True):
                    yield Record(number, values, line.decode(errors="replace"), fault)
            self._sha256 = stream.sha256()

    def number_of_row(self, roles: Roles, row: int) -> int:
        """Return the number of a row (from 0) as messages give it."""
        del roles
        with self.file.open() as stream:
            for lines in _json_blocks(stream, self.file.label):
                if row < len(lines):
                    return lines[row][0]
                row -= len(lines)
        raise IndexError(row)


def _json_blocks(stream: Any, label: str) -> Iterator[Lines]:
    """Yield the lines that are not blank, with their numbers."""
    number, rest = 1, b""
    while fresh := stream.read(JSON_BLOCK_BYTES):
        fresh = rest + (fresh.removeprefix(_BOM) if number == 1 and not rest else fresh)
        *whole, rest = fresh.split(b"\n")
        lines = [(number + at, line) for at, line in enumerate(whole) if line.strip()]
        if lines:
            yield lines
        number += len(whole)
        if len(rest) > JSON_BLOCK_BYTES:
            raise DatasetError(f"{label}, line {number}: longer than {JSON_BLOCK_BYTES} bytes")
    if rest.strip():
        yield [(number, rest)]


def _objects(lines: Lines) -> list[tuple[int, dict[str, Any], str]]:
    """Return number, object and fault of each line: all in one go, or else one by one."""
    try:
        values = json.loads(b"[" + b",".join(line for _, line in lines) + b"]")
    except (ValueError, RecursionError):
        values = []
    if len(values) == len(lines) and all(type(value) is dict for value in values):
        return [(number, value, "") for (number, _), value in zip(lines, values, strict=True)]
    return [(number, *_object(line)) for number, line in lines]


def _object(line: bytes) -> tuple[dict[str, Any], str]:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as error:
        return {}, f"not JSON: {brief(error)}"
    return (value, "") if isinstance(value, dict) else ({}, "not a JSON object")


def _json_block(lines: Lines, roles: Roles, known: set[str] | None) -> Block:
    objects = _objects(lines)
    broken = {at: fault for at, (_, _, fault) in enumerate(objects) if fault}
    if known is not None:
        for at, (_, value, _) in enumerate(objects):
            if not value.keys() <= known:
                broken[at] = f"unknown column {shown(next(iter(value.keys() - known)))}"
    columns = {
        role: _texts([value.get(name) for _, value, _ in objects]) for role, name in roles.items()
    }
    return Block(
        batch_of(columns),
        broken,
        lambda: [(number, line.decode(errors="replace")) for number, line in lines],
    )


def _texts(values: list[Any]) -> Sequence[str | None]:
    """Return JSON values as CSV would have them; a list or an object becomes no valid text."""
    texts = [value if type(value) is str or value is None else _text(value) for value in values]
    try:
        "".join(filter(None, texts)).encode()
    except UnicodeEncodeError:
        return [text and _HALF_PAIR.sub("\uffff", text) for text in texts]
    return texts


def _text(value: Any) -> str:
    if isinstance(value, list | dict):
        return "\uffff" + json.dumps(value)
    return json.dumps(value) if isinstance(value, bool) else str(value)

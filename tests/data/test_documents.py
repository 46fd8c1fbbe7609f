"""JSON from outside is what both databases store, and what can be encoded again."""

import json

import pytest

from data.documents import MAX_DOCUMENT_BYTES, parse


@pytest.mark.parametrize(
    "value",
    [{}, {"a": [1, -(2**63), 2**63 - 1, 0.5, None, True, "é\n👩‍🚀", [[[{"b": []}]]]]}],
)  # fmt: skip
def test_a_document_is_read_as_it_was_written(value: dict) -> None:
    assert parse(json.dumps(value).encode()) == value


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "not JSON"), (b"{", "not JSON"), (b"[]", "not a JSON object"),
        (b"7", "not a JSON object"), (b'{"a": "\xff"}', "not JSON"), (b"[" * 10**5, "nested"),
        (b'{"a": 1e999}', "not finite"), (b'{"a": NaN}', "not finite"),
        (b'{"a": 9223372036854775808}', "64 bits"), (b'{"a": 1' + b"0" * 400 + b"}", "64 bits"),
        (b'{"a": 1' + b"0" * 10**4 + b"}", "not JSON"),
        (b'{"a": "\\u0000"}', "NUL"), (b'{"\\ud800": 1}', "surrogate"),
        (b'{"a": ' * 33 + b"1" + b"}" * 33, "32 levels"),
        (b'{"a": "' + b"x" * MAX_DOCUMENT_BYTES + b'"}', "longer than"),
    ],
)  # fmt: skip
def test_what_could_not_be_stored_or_encoded_is_refused(content: bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        parse(content)

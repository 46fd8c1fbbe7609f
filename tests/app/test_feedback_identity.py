"""The `recommendation_id`: says where a list came from, to one user, and cannot be forged."""

import base64

import pytest

from app.feedback.identity import MAX_LENGTH, Origin, decode, encode

SECRET = b"of the installation"
ORIGINS = [Origin(), Origin("v1"), Origin(None, "home"), Origin("v1", "home", "colours", "red")]


@pytest.mark.parametrize("origin", ORIGINS)
@pytest.mark.parametrize("user", ["42", "жук", None])
def test_an_id_says_where_a_list_came_from_to_its_user_alone(
    origin: Origin, user: str | None
) -> None:
    text = encode(SECRET, user, origin)
    assert text == encode(SECRET, user, origin)
    assert decode(SECRET, user, text) == origin
    for secret, other in ((b"another", user), (SECRET, "43"), (SECRET, None if user else "42")):
        with pytest.raises(ValueError, match="no recommendation_id of this user"):
            decode(secret, other, text)


def test_no_part_of_an_id_can_be_changed() -> None:
    text = encode(SECRET, "42", ORIGINS[-1])
    content = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    forged = [
        content[:place] + bytes([byte ^ 1]) + content[place + 1 :]
        for place, byte in enumerate(content)
    ]
    forged += [content[:-1], content + b"x", b"", content[:12], content[12:]]
    for each in forged:
        with pytest.raises(ValueError, match="no recommendation_id"):
            decode(SECRET, "42", base64.urlsafe_b64encode(each).rstrip(b"=").decode())
    for no_base64 in ("", "a", "ж", "?" * 20, text[:-1]):
        with pytest.raises(ValueError, match="no recommendation_id"):
            decode(SECRET, "42", no_base64)


def test_the_longest_id_fits_a_request() -> None:
    assert (
        len(encode(SECRET, "u" * 128, Origin("v" * 40, "s" * 64, "e" * 64, "a" * 64))) < MAX_LENGTH
    )

"""The matrix of a release."""

import pytest

from tests.app.small_releases import LINES, make_release


@pytest.mark.parametrize("like_threshold", [0.5, 2.5, 4.0])
def test_stars_from_the_threshold_up_are_likes(like_threshold: float) -> None:
    interactions = make_release().interactions(like_threshold)
    found = {
        (int(interactions.user_keys[user]), int(interactions.movie_ids[movie]), bool(liked))
        for user, movie, liked in zip(
            interactions.user_rows, interactions.movie_rows, interactions.liked, strict=True
        )
    }
    assert found == {(user, movie, stars >= like_threshold) for user, movie, stars, _ in LINES}

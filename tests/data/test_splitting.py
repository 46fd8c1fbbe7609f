import numpy as np
import pytest

from data import Interactions
from data.splitting import (
    MIN_LIKES,
    Group,
    HeldOut,
    Split,
    first_ratings,
    gate_users,
    hide_ratings,
    holdout_groups,
    random_places,
    random_users,
    split_by_salt,
    strong_generalisation,
)


@pytest.fixture(scope="module")
def interactions() -> Interactions:
    """400 users with 1 to 30 ratings of 60 movies, two thirds likes."""
    rng = np.random.default_rng(0)
    users, movies = [], []
    for user in range(400):
        chosen = rng.permutation(60)[: rng.integers(1, 31)]
        users += [f"u{user}"] * len(chosen)
        movies += chosen.tolist()
    return Interactions.from_arrays(users, movies, rng.random(len(users)) < 0.67)


def keys(part: Interactions) -> set[str]:
    return set(part.user_keys.tolist())


def pairs(part: Interactions) -> set[tuple[str, int]]:
    return set(zip(part.user_keys[part.user_rows], part.movie_ids[part.movie_rows], strict=True))


SPLITS = {
    "strong": lambda x: strong_generalisation(x, seed=3),
    "salt": lambda x: split_by_salt(x, "salt", seed=3),
}


@pytest.fixture(params=SPLITS)
def split(request: pytest.FixtureRequest, interactions: Interactions) -> Split:
    return SPLITS[request.param](interactions)


def test_no_user_is_in_two_sets(split: Split) -> None:
    sets = [keys(split.training), keys(split.validation.given), keys(split.test.given)]
    assert sum(map(len, sets)) == len(set.union(*sets))


def test_given_and_hidden_are_the_same_users_with_no_rating_in_common(split: Split) -> None:
    for held_out in (split.validation, split.test):
        np.testing.assert_array_equal(held_out.given.user_keys, held_out.hidden.user_keys)
        assert not pairs(held_out.given) & pairs(held_out.hidden)


def test_held_out_users_are_eligible_and_have_a_hidden_like(
    split: Split, interactions: Interactions
) -> None:
    likes = dict(zip(interactions.user_keys, interactions.likes_per_user, strict=True))
    for held_out in (split.validation, split.test):
        assert all(likes[user] >= MIN_LIKES for user in keys(held_out.given))
        assert (held_out.hidden.likes_per_user > 0).all()


def test_about_a_fifth_of_the_ratings_is_hidden(interactions: Interactions) -> None:
    eligible = interactions.select_users(interactions.likes_per_user >= MIN_LIKES)
    held_out = hide_ratings(eligible, np.random.default_rng(1))
    hidden, given = held_out.hidden.n_ratings, held_out.given.n_ratings
    assert 0.17 < hidden / (hidden + given) < 0.24  # users without a hidden like are left out


def test_movies_are_those_seen_in_training(split: Split) -> None:
    likes, dislikes = split.training.movie_counts()
    assert (likes + dislikes > 0).all()
    for held_out in (split.validation, split.test):
        for part in (held_out.given, held_out.hidden):
            np.testing.assert_array_equal(part.movie_ids, split.training.movie_ids)


def test_a_split_of_rated_movies_has_the_same_users_and_who_finds_something(
    interactions: Interactions,
) -> None:
    split = strong_generalisation(interactions, seed=1)
    counts = np.sum(split.training.movie_counts(), axis=0)
    least = int(np.median(counts)) + 1
    few = split.of_rated(least)
    kept = split.training.movie_ids[counts >= least]
    assert 0 < len(kept) < split.training.n_movies
    assert pairs(few.training) == {p for p in pairs(split.training) if p[1] in kept}
    assert few.training.n_users == split.training.n_users
    for held_out in (few.validation, few.test):
        assert held_out.given.movie_ids.tolist() == kept.tolist()
        assert (held_out.hidden.likes_per_user > 0).all()
        assert keys(held_out.given) == keys(held_out.hidden)
    assert pairs(few.test.given) < pairs(split.test.given)
    assert split.of_rated(1) is split


def test_strong_generalisation_holds_out_a_fifth_and_a_fifth_of_the_rest(
    interactions: Interactions,
) -> None:
    eligible = int((interactions.likes_per_user >= MIN_LIKES).sum())
    split = strong_generalisation(interactions, seed=0)
    held_out = interactions.n_users - split.training.n_users
    assert held_out == round(0.2 * eligible) + round(0.2 * (eligible - round(0.2 * eligible)))


@pytest.mark.parametrize("name", SPLITS)
def test_the_same_seed_gives_the_same_split(name: str, interactions: Interactions) -> None:
    first, second = SPLITS[name](interactions), SPLITS[name](interactions)
    assert pairs(first.test.hidden) == pairs(second.test.hidden)
    assert pairs(first.training) == pairs(second.training)


def test_another_seed_tests_other_users(interactions: Interactions) -> None:
    first, second = (strong_generalisation(interactions, seed=seed) for seed in (0, 1))
    assert keys(first.test.given) != keys(second.test.given)


def test_groups_have_their_shares() -> None:
    groups = holdout_groups([f"user-{n}" for n in range(9_000)], "salt")
    shares = np.bincount(groups, minlength=3) / 9_000
    np.testing.assert_allclose(shares, [0.8, 0.1, 0.1], atol=4 * np.sqrt(0.1 * 0.9 / 9_000))


def test_a_users_group_does_not_depend_on_the_others() -> None:
    everybody = [f"user-{n}" for n in range(500)]
    alone = [holdout_groups([key], "salt")[0] for key in everybody]
    np.testing.assert_array_equal(holdout_groups(everybody, "salt"), alone)


def test_another_salt_holds_out_others() -> None:
    everybody = range(500)
    assert (holdout_groups(everybody, "salt") != holdout_groups(everybody, "pepper")).any()


def test_growing_beyond_the_limit_never_puts_a_trained_user_into_the_gate_set() -> None:
    everybody = [f"user-{n}" for n in range(3_000)]
    small = holdout_groups(everybody, "salt", n_users=10_000)
    large = holdout_groups(everybody, "salt", n_users=10_001)
    for before, after in ((small, large), (large, small)):
        assert not ((before == Group.TRAINING) & (after == Group.GATE)).any()
    assert (large == Group.GATE).sum() < (small == Group.GATE).sum()


def test_refit_is_training_and_validation_over_the_movies_of_training(
    interactions: Interactions,
) -> None:
    split = strong_generalisation(interactions, seed=3)
    np.testing.assert_array_equal(split.refit.movie_ids, split.training.movie_ids)
    assert pairs(split.training) < pairs(split.refit)
    assert pairs(split.validation.everything()) < pairs(split.refit)
    assert not keys(split.refit) & keys(split.test.given)
    assert split.refit.n_users + round(0.2 * eligible_users(interactions)) == interactions.n_users


def eligible_users(interactions: Interactions) -> int:
    return int((interactions.likes_per_user >= MIN_LIKES).sum())


def test_everything_of_held_out_users_is_given_and_hidden_together(split: Split) -> None:
    both = split.test.everything()
    assert pairs(both) == pairs(split.test.given) | pairs(split.test.hidden)
    assert both.n_ratings == split.test.given.n_ratings + split.test.hidden.n_ratings
    for row in range(both.n_users):
        movies, liked = both.user(row)
        assert (np.diff(movies) > 0).all()
        given, given_liked = split.test.given.user(row)
        np.testing.assert_array_equal(liked[np.isin(movies, given)], given_liked)


def test_gate_users_are_the_test_users_of_the_split_by_salt(interactions: Interactions) -> None:
    split = split_by_salt(interactions, "salt", seed=3)
    held_out = gate_users(
        interactions, "salt", split.training.movie_ids, n_users=interactions.n_users, seed=3
    )
    assert pairs(held_out.given) == pairs(split.test.given)
    assert pairs(held_out.hidden) == pairs(split.test.hidden)


@pytest.fixture
def held_out(interactions: Interactions) -> HeldOut:
    return strong_generalisation(interactions, seed=3).test


def test_what_is_given_first_is_given_of_more_too(held_out: HeldOut) -> None:
    few, more = (first_ratings(held_out, n, salt="salt") for n in (2, 5))
    both = np.isin(few.given.user_keys, more.given.user_keys)
    assert pairs(few.given.select_users(both)) < pairs(more.given)
    whole = pairs(held_out.everything())
    for part in (few, more):
        assert not pairs(part.given) & pairs(part.hidden)
        assert pairs(part.given) | pairs(part.hidden) <= whole


def test_who_has_no_other_like_is_left_out(held_out: HeldOut) -> None:
    everything = held_out.everything()
    for n in (0, 7, 100):
        left = keys(first_ratings(held_out, n, salt="salt").given)
        assert left <= keys(everything.select_users(everything.ratings_per_user > n))
    assert not left


def test_the_order_depends_on_salt_user_and_movie_alone(interactions: Interactions) -> None:
    """Neither on other users, nor on the order of rows, nor on ratings that are added later."""
    places = random_places(interactions, "salt")
    order = dict(zip(zip(interactions.user_rows, interactions.movie_rows, strict=True), places,
                     strict=True))  # fmt: skip
    rows = [7, 3, 200]
    some = interactions.select_users(rows).with_movies(interactions.movie_ids[::-1])
    again = random_places(some, "salt")
    for user, movie, place in zip(some.user_rows, some.movie_rows, again, strict=True):
        assert order[rows[user], interactions.n_movies - 1 - movie] == place
    earlier = interactions.select_ratings(places != 0)
    np.testing.assert_array_equal(random_places(earlier, "salt"), places[places != 0] - 1)
    assert (random_places(interactions, "other") != places).any()


def test_every_rating_is_as_likely_to_be_first() -> None:
    users, movies = np.divmod(np.arange(20_000), 10)
    everybody = Interactions.from_arrays(users, movies, np.ones(20_000))
    first = everybody.movie_rows[random_places(everybody, "salt") == 0]
    counts = np.bincount(first, minlength=10)
    assert abs(counts - 200).max() < 4.5 * np.sqrt(200 * 0.9)


def test_some_users_are_drawn_by_the_salt(held_out: HeldOut) -> None:
    some = random_users(held_out, 10, salt="salt")
    assert some.given.n_users == 10
    assert pairs(some.given) < pairs(held_out.given)
    assert keys(some.given) != keys(random_users(held_out, 10, salt="other").given)
    assert keys(some.given) != set(held_out.given.user_keys[:10].tolist())
    assert random_users(held_out, 10_000, salt="salt") is held_out

"""The draws against the distributions that they draw from; `test_sampling` has those of batches."""

import numpy as np

from model.draws import sample_hidden, sample_states

N = 60_000


def test_hidden_units_are_on_as_often_as_their_probability_says() -> None:
    probability = np.tile(np.array([0.0, 0.02, 0.5, 0.9, 1.0], dtype=np.float32), (N, 1))
    share = sample_hidden(probability, np.random.default_rng(1)).mean(axis=0)
    error = np.sqrt(probability[0] * (1 - probability[0]) / N)
    assert (np.abs(share - probability[0]) <= 5 * error).all()


def test_hidden_units_of_a_batch_are_drawn_independently() -> None:
    draws = sample_hidden(np.full((N, 2), 0.5, dtype=np.float32), np.random.default_rng(2))
    centred = draws - draws.mean(axis=0)
    between_units = (centred[:, 0] * centred[:, 1]).mean() / 0.25  # correlation; variance is .25
    between_users = (centred[:-1, 0] * centred[1:, 0]).mean() / 0.25
    assert max(abs(between_units), abs(between_users)) < 5 / np.sqrt(N)


def test_one_user_and_a_batch_get_the_same_draws_from_the_same_numbers() -> None:
    x = np.random.default_rng(3).normal(-1, 1, (50, 2)).astype(np.float32)
    one = sample_states(x.copy(), np.random.default_rng(4))
    batch = sample_states(x.reshape(5, 10, 2).copy(), np.random.default_rng(4))
    assert 0 < len(one) < 50
    np.testing.assert_array_equal(one, batch)


def test_states_come_as_often_as_their_probability_says() -> None:
    x = np.tile(np.array([[0.5, -1.0], [-2.0, 1.0]], dtype=np.float32), (N, 1, 1))
    weight = np.exp(x[0].astype(np.float64))
    expected = weight / (1 + weight.sum(axis=1, keepdims=True))
    drawn = sample_states(x, np.random.default_rng(5))
    share = np.bincount(drawn % 4, minlength=4).reshape(2, 2) / N
    assert (np.abs(share - expected) <= 5 * np.sqrt(expected * (1 - expected) / N)).all()

"""The compiled kernels against the NumPy equations, given the same random numbers."""

from typing import Any

import numba
import numpy as np
import pytest
from scipy import sparse

from data import Interactions
from model import kernels, philox
from model.config import Config
from model.engine import Engine, compute_threads, l2_per_column
from model.learning import centred, contrastive_divergence
from model.rbm import RBM, activity, columns

SEED = 11


def interactions(n_users: int, n_movies: int, density: float = 0.2, seed: int = 0) -> Interactions:
    """Random likes and dislikes; every user has rated something."""
    rng = np.random.default_rng(seed)
    rated = rng.random((n_users, n_movies)) < density
    rated[np.arange(n_users), rng.integers(0, n_movies, n_users)] = True
    users, movies = np.nonzero(rated)
    liked = rng.random(len(users)) < 0.6
    return Interactions.from_arrays(users, movies, liked, movie_ids=np.arange(n_movies))


def machine(n_movies: int, n_hidden: int, *, classic: bool = False, scale: float = 0.3) -> RBM:
    rng = np.random.default_rng(1)
    return RBM(
        W=scale * rng.standard_normal((n_movies, 2, n_hidden), dtype=np.float32),
        a=rng.standard_normal((n_movies, 2), dtype=np.float32) - np.float32(1.5),
        b=rng.standard_normal(n_hidden, dtype=np.float32),
        movie_ids=np.arange(n_movies),
        mean_ratings=5.0,
        classic=classic,
    )


def visible(data: Interactions, users: np.ndarray) -> sparse.csr_array:
    """V of some users."""
    ones = np.ones(data.n_ratings, dtype=np.float32)
    shape = (data.n_users, 2 * data.n_movies)
    return sparse.csr_array((ones, columns(data.movie_rows, data.liked), data.indptr), shape)[users]


class KernelDraws:
    """Hands the numbers that the kernels draw to the reference functions, in place of a Generator.

    A matrix is asked for by the draws of all hidden or visible units, a vector by those of the
    rated movies alone (`rated`: V).
    """

    def __init__(self, rated: sparse.csr_array) -> None:
        self.step = 0
        self.users, visible_columns = rated.nonzero()
        self.movies = visible_columns // 2
        self.size = rated.shape[1] // 2

    def random(self, shape: tuple[int, int] | int, dtype: type) -> np.ndarray:
        assert dtype is np.float32
        if isinstance(shape, tuple):
            numbers = self._matrix(*shape)
        else:
            numbers = self._matrix(self.users.max() + 1, self.size)[self.users, self.movies]
        self.step += 1
        return numbers

    def _matrix(self, n: int, m: int) -> np.ndarray:
        numbers = np.empty((n, -(-m // 4) * 4), dtype=np.float32)
        for row in range(n):
            philox.uniforms(np.uint64(SEED), np.uint64(self.step), row, 0, numbers[row])
        return numbers[:, :m]


class Reference:
    """The update of `Engine` as its docstrings have it, by the reference functions."""

    def __init__(self, data: Interactions, rbm: RBM, config: Config) -> None:
        self.data, self.rbm, self.config = data, rbm, config
        self.t = activity(data.ratings_per_user, rbm.mean_ratings)
        self.l2 = l2_per_column(data, config)[:, np.newaxis]
        self.velocity = [np.zeros_like(p) for p in (rbm.weights, rbm.a.reshape(-1), rbm.b)]
        self.step = 0

    def update(self, users: np.ndarray, decay: float) -> float:
        V, config = visible(self.data, users), self.config
        middle = self.rbm.hidden_probability(V).mean(axis=0)
        draws = KernelDraws(V)
        draws.step = self.step
        gradient, Vk = contrastive_divergence(
            self.rbm,
            V,
            self.t[users],
            config.cd_steps,
            draws,  # type: ignore[arg-type]
        )
        self.step = draws.step
        gradient = centred(gradient, middle)
        slopes = (gradient.W - self.l2 * self.rbm.weights, gradient.a, gradient.b)
        rates = (
            config.learning_rate_weights,
            config.learning_rate_visible,
            config.learning_rate_hidden,
        )
        parameters = (self.rbm.weights, self.rbm.a.reshape(-1), self.rbm.b)
        for parameter, velocity, slope, rate in zip(
            parameters, self.velocity, slopes, rates, strict=True
        ):
            velocity[...] = config.momentum * velocity + rate * decay * slope
            parameter[...] += velocity
        self.rbm.a.reshape(-1)[...] -= self.velocity[0] @ middle
        return V.nnz - float(V.multiply(Vk).sum())


@pytest.mark.parametrize(
    ("n_users", "n_movies", "n_hidden", "cd_steps", "classic"),
    [
        pytest.param(40, 37, 21, 1, False, id="one step"),
        pytest.param(40, 37, 21, 3, False, id="three steps"),
        pytest.param(40, 37, 21, 1, True, id="classic"),
        pytest.param(40, 37, 21, 2, True, id="classic, two steps"),
        pytest.param(9, kernels.BLOCK + 3, kernels.UNITS + 5, 1, False, id="several blocks"),
        pytest.param(
            9, kernels.BLOCK + 3, kernels.UNITS + 5, 1, True, id="classic, several blocks"
        ),
        pytest.param(1, 1, 1, 1, False, id="one of each"),
        pytest.param(1, 1, 1, 1, True, id="classic, one of each"),
    ],
)
def test_updates_equal_those_of_the_reference_for_the_same_draws(
    n_users: int, n_movies: int, n_hidden: int, cd_steps: int, *, classic: bool
) -> None:
    data = interactions(n_users, n_movies)
    config = Config(
        n_hidden=n_hidden, cd_steps=cd_steps, classic=classic, momentum=0.7, l2=0.03,
        learning_rate_weights=0.2, learning_rate_visible=0.3, learning_rate_hidden=0.4,
    )  # fmt: skip
    fast, slow = (machine(n_movies, n_hidden, classic=classic) for _ in range(2))
    engine = Engine(data, fast, config, seed=SEED, threads=1)
    reference = Reference(data, slow, config)
    order = np.random.default_rng(3).permutation(n_users)
    # The second batch is the larger one, so that buffers grow; the velocity is carried over.
    for users, decay in ((order[: (n_users + 1) // 2], 1.0), (order, 0.5)):
        missed = engine.update(users, decay)
        assert missed == reference.update(users, decay)
        np.testing.assert_allclose(fast.W, slow.W, rtol=1e-4, atol=2e-6)
        np.testing.assert_allclose(fast.a, slow.a, rtol=1e-4, atol=2e-6)
        np.testing.assert_allclose(fast.b, slow.b, rtol=1e-4, atol=2e-6)


def test_upward_pass_equals_the_equation() -> None:
    data = interactions(50, 61)
    rbm = machine(61, 150)
    users = np.array([3, 49, 0, 3, 17])
    P = np.empty((5, 150), dtype=np.float32)
    kernels.upward(lists(data, users), rbm.weights, rbm.b, P)
    np.testing.assert_allclose(P, rbm.hidden_probability(visible(data, users)), rtol=2e-6)


def test_transposition_lists_the_users_of_each_column_and_counts_right_draws() -> None:
    data, drawn = interactions(12, 9, seed=1), interactions(12, 9, seed=2)
    users = np.array([5, 0, 11, 7])
    drawn = drawn.select_users(np.arange(4))
    touched = kernels.Touched(np.empty(19, dtype=np.int64), np.empty(100, dtype=np.int32))
    right = kernels.transpose(lists(data, users), lists(drawn, np.arange(4)), touched)
    V, Vk = visible(data, users).toarray(), visible(drawn, np.arange(4)).toarray()
    assert right == (V * Vk).sum()
    for column in range(18):
        rows = touched.rows[touched.starts[column] : touched.starts[column + 1]]
        expected = np.flatnonzero(np.concatenate((V[:, column], Vk[:, column])))
        assert sorted(rows) == list(expected)


def test_draws_of_movies_have_the_frequencies_of_the_conditional() -> None:
    n, n_movies, n_hidden = 20_000, 6, 4
    rbm = machine(n_movies, n_hidden, scale=1.0)
    H = np.tile(np.array([1, 0, 1, 1], dtype=np.float32), (n, 1))
    t = np.full(n, 0.4, dtype=np.float32)
    V = draw_visible(rbm, H, t)
    probability = rbm.visible_probability(H[:1], t[:1])[0]
    frequency = V.mean(axis=0).reshape(n_movies, 2)
    error = np.sqrt(probability * (1 - probability) / n)
    assert np.all(np.abs(frequency - probability) < 4.5 * error)
    assert not (V[:, 0::2] * V[:, 1::2]).any()  # never liked and disliked at once


def test_draws_of_different_movies_and_people_are_independent() -> None:
    n, n_movies = 20_000, 8
    rbm = machine(n_movies, 3, scale=0.0)
    V = draw_visible(rbm, np.zeros((n, 3), dtype=np.float32), np.ones(n, dtype=np.float32))
    seen = (V[:, 0::2] + V[:, 1::2]) - (V[:, 0::2] + V[:, 1::2]).mean(axis=0)
    seen /= seen.std(axis=0)
    between_movies = seen.T @ seen / n - np.eye(n_movies)
    between_neighbours = seen[1:].T @ seen[:-1] / n
    assert np.abs(between_movies).max() < 4.5 / np.sqrt(n)
    assert np.abs(between_neighbours).max() < 4.5 / np.sqrt(n)


def test_draws_of_hidden_units_have_their_probabilities() -> None:
    n, probability = 50_000, np.linspace(0, 1, 11, dtype=np.float32)
    H = np.empty((n, 11), dtype=np.float32)
    P = np.tile(probability, (n, 1))
    kernels.draw_hidden(P, np.uint64(SEED), np.uint64(0), H)
    error = np.sqrt(probability * (1 - probability) / n)
    assert np.all(np.abs(H.mean(axis=0) - probability) <= 4.5 * error)


def test_exponential_is_that_of_numpy_to_two_units_in_the_last_place() -> None:
    x = np.linspace(-87, 80, 20_001, dtype=np.float32)
    exact = np.exp(x.astype(np.float64))
    found = np.array([kernels.exponential(value) for value in x], dtype=np.float64)
    assert np.all(np.abs(found - exact) <= 2 * np.spacing(exact.astype(np.float32)))


@pytest.mark.parametrize(("x", "cut"), [(1e30, 80), (np.inf, 80), (-1e30, -87), (-np.inf, -87)])
def test_exponential_cuts_what_float32_cannot_hold(x: float, cut: float) -> None:
    assert kernels.exponential(np.float32(x)) == pytest.approx(np.exp(cut), rel=1e-5)


@pytest.mark.parametrize(
    ("counter_and_key", "words"),
    [
        ([0] * 6, "5f6fb709 0d893f64 4f121f81 4f730a48"),
        ([0xFFFFFFFF] * 6, "5207ddc2 45165e59 4d8ee751 8c52f662"),
        (
            [0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344, 0xA4093822, 0x299F31D0],
            "4dfccaba 190a87f0 c47362ba b6b5242a",
        ),
    ],
    ids=["zeros", "ones", "digits of pi"],
)
def test_philox_gives_the_known_answers_of_its_authors(
    counter_and_key: list[int], words: str
) -> None:
    found = philox.philox(*(np.uint32(word) for word in counter_and_key))
    assert " ".join(f"{int(word):08x}" for word in found) == words


def test_uniform_numbers_fill_the_unit_interval_evenly() -> None:
    numbers = np.empty((500, 400), dtype=np.float32)
    for row in range(500):
        philox.uniforms(np.uint64(SEED), np.uint64(row % 5), row // 5, 0, numbers[row])
    counts = np.bincount((numbers.reshape(-1) * 100).astype(int), minlength=100)
    expected = numbers.size / 100
    chi_square = ((counts - expected) ** 2 / expected).sum()
    assert 50 < chi_square < 160  # 99 degrees of freedom: 6 and 1 - 1e-4 quantiles
    assert len(np.unique(numbers)) > 0.99 * numbers.size


@pytest.mark.parametrize("changed", ["seed", "high seed", "step", "high step", "row", "first"])
def test_uniform_numbers_change_with_each_part_of_their_place(changed: str) -> None:
    def numbers(seed: int = 0, step: int = 0, row: int = 0, first: int = 0) -> np.ndarray:
        u = np.empty(400, dtype=np.float32)
        philox.uniforms(np.uint64(seed), np.uint64(step), row, first, u)
        return u

    other = {
        "seed": numbers(seed=1),
        "high seed": numbers(seed=1 << 32),
        "step": numbers(step=1),
        "high step": numbers(step=1 << 32),
        "row": numbers(row=1),
        "first": numbers(first=400),
    }[changed]
    assert abs(np.corrcoef(numbers(), other)[0, 1]) < 0.2


def test_a_unit_has_its_number_whichever_block_it_is_asked_in() -> None:
    whole, part = np.empty(400, dtype=np.float32), np.empty(40, dtype=np.float32)
    philox.uniforms(np.uint64(SEED), np.uint64(2), 3, 0, whole)
    philox.uniforms(np.uint64(SEED), np.uint64(2), 3, 120, part)
    np.testing.assert_array_equal(part, whole[120:160])


def test_kernels_compile_where_no_cache_can_be_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    original = numba.njit

    def without_cache(*args: Any, cache: bool = False, **options: Any) -> Any:
        if cache:
            raise RuntimeError("no locator available")
        return original(*args, **options)

    def double(x: int) -> int:
        return 2 * x

    monkeypatch.setattr(numba, "njit", without_cache)
    assert philox.compiled()(double)(21) == 42


def test_thread_settings_are_put_back() -> None:
    before = numba.get_num_threads()
    with compute_threads(1):
        assert numba.get_num_threads() == 1
    assert numba.get_num_threads() == before


def lists(data: Interactions, users: np.ndarray) -> kernels.Ratings:
    visible_columns = columns(data.movie_rows, data.liked)
    return kernels.Ratings(data.indptr, visible_columns, users)


def draw_visible(rbm: RBM, H: np.ndarray, t: np.ndarray) -> np.ndarray:
    """V drawn by the kernels, dense, shape (n_users, 2 * n_movies)."""
    n = len(H)
    places = np.empty((n, rbm.n_movies), dtype=np.int32)
    counts = np.empty((n, -(-rbm.n_movies // kernels.BLOCK)), dtype=np.int32)
    draws = kernels.Draws(places, counts, kernels.BLOCK)
    W, a = rbm.weights, rbm.a.reshape(-1)
    kernels.downward(H, W, a, t, np.uint64(SEED), np.uint64(1), 1, draws)
    indptr = np.empty(n + 1, dtype=np.int64)
    drawn = kernels.Ratings(indptr, np.empty(n * rbm.n_movies, dtype=np.int32), np.arange(n))
    kernels.pack(draws, drawn)
    V = np.zeros((n, 2 * rbm.n_movies), dtype=np.float32)
    V[np.repeat(np.arange(n), np.diff(indptr)), drawn.columns[: indptr[-1]]] = 1
    return V

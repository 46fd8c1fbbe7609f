import numpy as np
import pytest

from model.config import Config
from model.distributed.plan import Distribution, Plan, key_of


def plan(n_users: list[int], batch_size: int = 200, **how: int) -> Plan:
    return Plan.of(n_users, Config(batch_size=batch_size, n_epochs=3), Distribution(**how))  # type: ignore[arg-type]


def test_four_shards_make_a_replica_and_fewer_one() -> None:
    assert plan([10] * 8).shards == ((0, 2, 4, 6), (1, 3, 5, 7))
    assert plan([10] * 3).n_replicas == 1
    assert plan([10] * 3, replicas=2).shards == ((0, 2), (1,))


def test_more_replicas_than_shards_are_refused() -> None:
    with pytest.raises(ValueError, match="3 replicas need as many shards, and there are 2"):
        plan([10, 10], replicas=3)


@pytest.mark.parametrize(
    ("n_users", "replicas", "steps"),
    [
        (5_000, 1, 25),  # one replica: the batches of one process
        (5_000, 2, 25),  # few steps: as many as in one process, on half a batch
        (5_000, 4, 25),
        (30_000, 2, 100),  # 150 users: enough steps
        (80_000, 2, 200),  # many: whole batches, half as many steps
    ],
)
def test_a_batch_is_divided_by_the_replicas_unless_there_are_steps_enough(
    n_users: int, replicas: int, steps: int
) -> None:
    made = plan([n_users // 8] * 8, replicas=replicas)
    assert made.steps_per_epoch == steps
    assert made.rounds_per_epoch == 1


def test_an_epoch_of_many_steps_has_several_rounds() -> None:
    assert plan([1_000_000] * 8).rounds_per_epoch == 50


def test_rounds_have_the_steps_of_an_epoch_once_each() -> None:
    made = plan([100] * 8, batch_size=10, local_batches=17)
    rounds = [made.steps(number) for number in range(3 * made.rounds_per_epoch)]
    taken = [(each.epoch, step) for each in rounds for step in range(each.first, each.last)]
    assert taken == [(step // 80, step) for step in range(240)]
    assert max(each.last - each.first for each in rounds) <= 17
    assert {each.n for each in rounds} == {240}


def test_an_epoch_has_each_user_once_in_an_order_of_its_own() -> None:
    made, users = plan([50] * 4, batch_size=10), np.arange(200) * 2
    epochs = []
    for epoch in range(2):
        numbers = range(epoch * made.rounds_per_epoch, (epoch + 1) * made.rounds_per_epoch)
        batches = [
            batch for number in numbers for batch in made.batches(users, made.steps(number), 0, 0)
        ]
        epochs.append(np.concatenate(batches))
        np.testing.assert_array_equal(np.sort(epochs[-1]), users)
    assert (epochs[0] != epochs[1]).any()
    other = np.concatenate(made.batches(users, made.steps(0), 0, 1))
    assert (other != epochs[0][: len(other)]).any()


def test_replicas_and_seeds_have_random_numbers_of_their_own() -> None:
    assert len({key_of(seed, replica) for seed in range(5) for replica in range(5)}) == 25

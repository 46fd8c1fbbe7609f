"""What map and reduce over shards fit is what one process fits."""

from pathlib import Path

import numpy as np
from distributed import Client

from data.shards import Partition
from data.splitting import HeldOut
from model import finish as finish_in_one_process
from model.config import Config
from model.distributed.finishing import finish
from model.distributed.plan import Distribution
from model.distributed.trainer import DistributedTrainer
from model.distributed.users import Kept, join

CONFIG = Config(n_hidden=8, n_epochs=2, batch_size=40)


def test_prior_couplings_and_calibration_are_those_of_one_process(
    client: Client, partition: Partition, validation: HeldOut, tmp_path: Path
) -> None:
    how = Distribution(replicas=3, folder=str(tmp_path))
    trainer = DistributedTrainer(client, partition, CONFIG, validation=validation, distribution=how)
    list(trainer.epochs())
    finished = finish(trainer, validation)
    shards = [partition.read_shard(shard) for shard in partition.training]
    totals = trainer.users.totals
    everyone = join(Kept(np.arange(totals.n_movies), totals), *shards)
    expected = finish_in_one_process.finish(trainer.rbm(), everyone, validation, CONFIG)
    assert finished.prior is not None
    assert expected.prior is not None
    np.testing.assert_allclose(finished.prior.mean, expected.prior.mean, rtol=1e-5)
    np.testing.assert_allclose(finished.prior.strength, expected.prior.strength, rtol=1e-3)
    np.testing.assert_array_equal(finished.prior.rates, expected.prior.rates)
    if expected.couplings is None:
        assert finished.couplings is None
    else:
        assert finished.couplings is not None
        np.testing.assert_array_equal(finished.couplings.values, expected.couplings.values)
    np.testing.assert_allclose(finished.calibration, expected.calibration, rtol=1e-3, atol=1e-4)
    assert not list(tmp_path.rglob("finished*"))

"""A training as a process of its own, which can be killed.

python -m tests.model.distributed.driver ADDRESS PARTITION new|resume
"""

import hashlib
import sys

from data.shards import Partition
from model.config import Config
from model.distributed.cluster import connected
from model.distributed.plan import Distribution
from model.distributed.trainer import DistributedTrainer

CONFIG = Config(n_hidden=8, n_epochs=5, batch_size=20)


def main(address: str, folder: str, how: str) -> None:
    with connected(address) as client:
        distribution = Distribution(replicas=3)
        partition = Partition.read(folder)
        trainer = DistributedTrainer(client, partition, CONFIG, distribution=distribution)
        if how == "resume":
            trainer.resume()
        for report in trainer.epochs():
            sys.stdout.write(f"epoch {report.epoch}\n")
            sys.stdout.flush()
        rbm = trainer.rbm()
        digest = hashlib.sha256(rbm.W.tobytes() + rbm.a.tobytes() + rbm.b.tobytes())
        sys.stdout.write(digest.hexdigest() + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])

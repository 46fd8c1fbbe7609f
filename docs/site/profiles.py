"""How good lists are after few ratings, with the prior of fold-in and without: on the sample."""

from dataclasses import replace
from pathlib import Path

from data.movielens import SAMPLE, load
from data.splitting import strong_generalisation
from model.by_ratings import measure_thinned
from model.config import Config
from model.evaluation import figures
from model.training import train

NUMBERS = ("1", "2", "3", "5", "10", "20")
CONFIG = Config(n_hidden=40, n_epochs=20, batch_size=20)


def ndcg_by_ratings() -> tuple[tuple[str, ...], list[float], list[float]]:
    """Return ratings given, and NDCG@100 of the upward pass alone and with the prior."""
    # The sample is in the package; nothing is downloaded.
    release = load(SAMPLE, datasets_dir=Path(), datasets_url="")
    split = strong_generalisation(release.interactions(4.0))
    rbm = train(split.training, CONFIG)
    models = {"plain": replace(rbm, prior=None), "prior": rbm}
    judged = measure_thinned(models, split.validation, salt="docs", numbers=NUMBERS)
    plain, prior = (
        [figures(judged[name][n])["ndcg@100"].mean or 0.0 for n in NUMBERS] for name in models
    )
    return NUMBERS, plain, prior

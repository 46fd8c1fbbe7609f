"""Baselines, each with the interface of `model.evaluation.Scorer`."""

from __future__ import annotations

from model.baselines.bias import Bias
from model.baselines.ease import EASE
from model.baselines.ials import IALS
from model.baselines.item_knn import ItemKNN
from model.baselines.popularity import Popularity, damped_like_share

__all__ = ["EASE", "IALS", "Bias", "ItemKNN", "Popularity", "damped_like_share"]

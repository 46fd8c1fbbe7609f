"""A store's event log: keys that are texts, repeated views, purchases, a few ratings.

python -m benchmarks.event_log --rows 1000000 --output log.csv
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["MAPPING", "event_log", "main"]

# What the store calls a kind, and its share of all rows.
KINDS = {"view": 0.86, "buy": 0.06, "watch": 0.05, "rate": 0.02, "hide": 0.01}
ROWS_PER_CUSTOMER, ROWS_PER_PRODUCT = 50, 200
# Of all rows, those that repeat a customer's earlier view of the same product.
REPEATED = 0.3
DEVICES = ("phone", "tablet", "tv", "")
BEGIN, SECONDS = 1_735_689_600, 180 * 86_400
CHUNK = 250_000
# As a mapping file of `recommender import log.csv --mapping FILE`.
MAPPING = """\
[columns]
event_id = "event"
user = "customer"
movie = "sku"
kind = "action"
rating = "score"
value = "share"
timestamp = "at"

[kinds]
view = "clicked"
buy = "purchased"
watch = "watched"
rate = "rated"
hide = "hidden"
"""


def event_log(n_rows: int, seed: int = 0) -> pd.DataFrame:
    """Return a log in order of time, by its seed always the same.

    Parameters
    ----------
    n_rows : int
    seed : int

    Returns
    -------
    DataFrame
        event, customer, sku, action, score (0.5 to 5, of `rate`), share (0 to 1, of `watch`),
        at (ISO 8601 in UTC) and device, a column of no use.
    """
    rng = np.random.default_rng(seed)
    n_customers = max(n_rows // ROWS_PER_CUSTOMER, 2)
    n_products = max(n_rows // ROWS_PER_PRODUCT, 2)
    customers = _skewed(n_customers, n_rows, rng)
    # Customers of one taste prefer a third of the products.
    products = _skewed(n_products, n_rows, rng)
    products += (customers % 3 - products % 3) * (rng.random(n_rows) < 0.7)
    products = np.clip(products, 0, n_products - 1)
    repeats = np.flatnonzero(rng.random(n_rows) < REPEATED)[1:]
    earlier = (rng.random(len(repeats)) * repeats).astype(np.int64)
    customers[repeats], products[repeats] = customers[earlier], products[earlier]
    action = rng.choice(np.array(list(KINDS), dtype=object), n_rows, p=list(KINDS.values()))
    action[repeats] = "view"
    stars = np.clip(np.round(rng.normal(3.6, 1.0, n_rows) * 2) / 2, 0.5, 5)
    at = BEGIN + np.sort(rng.integers(0, SECONDS, n_rows))
    return pd.DataFrame(
        {
            "event": pd.Series(np.arange(n_rows)).map("ev-{:08d}".format),
            "customer": _named("cust-{:06d}", n_customers)[customers],
            "sku": _named("sku-{:05d}", n_products)[products],
            "action": action,
            "score": np.where(action == "rate", stars, np.nan),
            "share": np.where(action == "watch", rng.random(n_rows).round(2), np.nan),
            "at": pd.to_datetime(at, unit="s").strftime("%Y-%m-%dT%H:%M:%SZ"),
            "device": rng.choice(np.array(DEVICES, dtype=object), n_rows),
        }
    )


def main(arguments: list[str] | None = None) -> None:
    """Write a log as CSV, JSON Lines or Parquet, by the suffix of the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    log = event_log(options.rows, options.seed)
    output: Path = options.output
    match output.suffix:
        case ".jsonl":
            log.to_json(output, orient="records", lines=True)
        case ".parquet":
            log.to_parquet(output, index=False)
        case _:
            log.to_csv(output, index=False)
    output.with_name("mapping.toml").write_text(MAPPING)


def _skewed(n: int, n_draws: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Draw from n things, the first ones more often."""
    return np.minimum((n * rng.random(n_draws) ** 2).astype(np.int64), n - 1)


def _named(pattern: str, n: int) -> NDArray[Any]:
    return np.array([pattern.format(number) for number in range(1, n + 1)], dtype=object)


if __name__ == "__main__":
    main()

"""Settings of `variance_sources`."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from reglab.data.settings import Data


@dataclass(frozen=True)
class VarianceSources:
    """Recipes of which one random stream at a time is varied."""

    recipes: tuple[str, ...]

    def problems(self, values: dict) -> Iterator[tuple[tuple[str, ...], str, str]]:
        """Nothing beside what holds for every list of recipes."""
        yield from ()

    def data_problems(self, data: Data, labels: np.ndarray, pool: int) -> Iterator[tuple[tuple[str, ...], str, str]]:
        """Nothing: it trains on the splits of the study."""
        yield from ()

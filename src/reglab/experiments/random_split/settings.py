"""Settings of `random_split`."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from reglab.data.settings import Data
from reglab.data.splits import STRUCTURED


@dataclass(frozen=True)
class RandomSplit:
    """Recipes that are also trained on random splits of the same sizes, where the study splits by group or in time."""

    recipes: tuple[str, ...] = ()

    def problems(self, values: dict) -> Iterator[tuple[tuple[str, ...], str, str]]:
        """Key, what was found and what is allowed, where the study's own splits are random."""
        data = values.get("data")
        if self.recipes and data and data.split not in STRUCTURED:
            found = f"{', '.join(self.recipes)} with data.split: {data.split}"
            yield ("recipes",), found, "[], unless data.split is group or time"

    def data_problems(self, data: Data, labels: np.ndarray, pool: int) -> Iterator[tuple[tuple[str, ...], str, str]]:
        """Nothing: a random split of the same sizes is always possible."""
        yield from ()

"""Settings of `tuning` and of the entries of `tuned`, `cocktails` and `sweeps`."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Annotated, Any

import numpy as np
from annotated_types import Ge, Gt, Le

from reglab.data.settings import Data

SHARED = "training"  # the section of the settings that all recipes are tuned over
Settings = dict[str, dict]  # section or technique -> setting -> value
Ranges = dict[str, tuple]  # setting -> its lowest and highest number, or words of which one is chosen
TUNED, CLEAN, OTHER_NETWORK = "tuned", "tuned_clean", "tuned_other_network"
STUDIES = (TUNED, CLEAN, OTHER_NETWORK)  # the families of tuned recipes; those after the first train on the true labels
PLAIN = "none"  # the variant of a cocktail without its ingredients
Rate = Annotated[float, Gt(0)]


@dataclass(frozen=True)
class Tuning:
    """The budget of every tuned recipe: so many `settings`, each trained on the first `seeds`, over these learning rates.

    Sweeps and cocktails train their candidates on the same seeds.
    """

    seeds: Annotated[int, Ge(1)] = 3
    settings: Annotated[int, Ge(2), Le(10_000)] = 12
    learning_rate: tuple[Rate, Rate] = (0.0003, 0.02)

    @property
    def ranges(self) -> Ranges:
        """The settings of `training` that all recipes are tuned over."""
        return {"learning_rate": self.learning_rate}


@dataclass(frozen=True)
class TunedAgain:
    """The entries of `tuned` that are tuned a second time, on the true labels of the training examples."""

    recipes: tuple[str, ...] = ()

    def problems(self, values: dict) -> Iterator[tuple[tuple[str, ...], str, str]]:
        """Key, what was found and what is allowed."""
        if self.recipes and "none" not in self.recipes:
            yield ("recipes",), "no none", "none among them, with which the others are compared"

    def data_problems(self, data: Data, labels: np.ndarray, pool: int) -> Iterator[tuple[tuple[str, ...], str, str]]:
        """Nothing: the splits are those of the study."""
        yield from ()


@dataclass(frozen=True)
class TunedOtherNetwork(TunedAgain):
    """The same with another network, `model`, in the place of the study's."""

    model: Any = None

    def problems(self, values: dict) -> Iterator[tuple[tuple[str, ...], str, str]]:
        """Key, what was found and what is allowed; a model that is wrong has been reported."""
        yield from super().problems(values)
        if self.recipes and self.model is None:
            yield ("model",), "no network", "one, such as {name: convnet, width: 16, depth: 2}, or recipes: []"


@dataclass(frozen=True)
class Cocktail:
    """A search over which `ingredients` to stack and how strongly, in `trials` trials.

    Of the best, the effect of each ingredient is measured.

    `ingredients`: entries of `regularizers` in order of application, each with the settings that vary from low to high.
    """

    ingredients: dict[str, dict[str, tuple[float, float]]]
    trials: Annotated[int, Ge(2), Le(10_000)] = 24


def points(grid: dict[str, tuple]) -> list[dict]:
    """Every combination of the values {setting: (values)} of a sweep, the last setting varying fastest."""
    return [dict(zip(grid, values, strict=True)) for values in product(*grid.values())]


def numeric(settings: dict) -> dict[str, float]:
    """Those of the settings that are numbers."""
    return {name: value for name, value in settings.items() if type(value) in (int, float)}

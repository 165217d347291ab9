"""Settings of `tuning` and of the entries of `cocktails` and `sweeps`."""

from dataclasses import dataclass
from itertools import product
from typing import Annotated

from annotated_types import Ge, Le


@dataclass(frozen=True)
class Tuning:
    """Settings of every search: sweeps and cocktails train their candidates on the first `seeds` alone."""

    seeds: Annotated[int, Ge(1)] = 3


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

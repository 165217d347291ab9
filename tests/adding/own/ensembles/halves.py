"""Halves: each member learns from every second example."""

from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from annotated_types import Ge, Le

from reglab.experiments.ensembles.base import Ensemble


@dataclass(frozen=True)
class Halves(Ensemble):
    """p = 1/m sum_j p_j, where member j learns from the examples j, j + 2, j + 4, ..."""

    members: Annotated[int, Ge(1), Le(2)] = 2
    combine: Literal["average", "geometric", "vote"] = "average"

    def sample(self, labels: np.ndarray, classes: int, seed: int, member: int, wrong: np.ndarray) -> np.ndarray:
        return np.arange(member, len(labels), 2)

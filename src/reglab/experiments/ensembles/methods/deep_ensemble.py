"""Deep ensemble: the same network on the same examples, from other initial weights and in another order."""

from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Ge, Le

from reglab.experiments.ensembles.base import Ensemble


@dataclass(frozen=True)
class DeepEnsemble(Ensemble):
    """p = 1/m sum_j p_j: members differ only by chance, and the first is the single model of its seed.

    Source: Lakshminarayanan, Pritzel and Blundell, Simple and Scalable Predictive Uncertainty Estimation using Deep
    Ensembles, 2017, section 2.4.
    """

    members: Annotated[int, Ge(1), Le(1_000)] = 8
    combine: Literal["average", "geometric", "vote"] = "average"

"""Gradient-boosted trees on binned features, what many would pick first for a table."""

from dataclasses import asdict, dataclass
from typing import Annotated, ClassVar

from annotated_types import Ge, Gt, Le

from reglab.experiments.baselines.base import Baseline


@dataclass(frozen=True)
class GradientBoosting(Baseline):
    """`max_iter` rounds, each adding for every class a tree with at most `max_leaf_nodes` leaves, fitted to the gradient of
    the loss -log softmax(f(x))_y and scaled by `learning_rate`:  f <- f + learning_rate tree. Of amounts there is one tree a
    round, and the loss is the squared error.

    Every feature is binned into at most 255 quantiles. No examples are held out to stop early: all fit the trees.

    Source: Friedman, Greedy Function Approximation: A Gradient Boosting Machine, 2001, algorithm 6; Ke et al., LightGBM,
    2017, for the bins.
    """

    copied: ClassVar[int] = 2  # the bins of all features, while they are made

    learning_rate: Annotated[float, Gt(0), Le(1)] = 0.1
    max_iter: Annotated[int, Ge(1), Le(10_000)] = 100
    max_leaf_nodes: Annotated[int, Ge(2), Le(10_000)] = 31

    @property
    def settings(self) -> dict:
        """The arguments of scikit-learn's estimators."""
        return asdict(self) | {"early_stopping": False, "random_state": 0}

    def estimator(self):
        from sklearn.ensemble import HistGradientBoostingClassifier

        return HistGradientBoostingClassifier(**self.settings)

    def regressor(self):
        from sklearn.ensemble import HistGradientBoostingRegressor

        return HistGradientBoostingRegressor(**self.settings)

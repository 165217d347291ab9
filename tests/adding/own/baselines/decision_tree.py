"""A decision tree on the pixels."""

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge, Le

from reglab.experiments.baselines.base import Baseline


@dataclass(frozen=True)
class DecisionTree(Baseline):
    """The class that most training examples in a leaf of `max_depth` questions have.

    Breiman, Friedman, Olshen and Stone, Classification and Regression Trees, 1984.
    """

    max_depth: Annotated[int, Ge(1), Le(100)] = 4

    def estimator(self):
        from sklearn.tree import DecisionTreeClassifier

        return DecisionTreeClassifier(max_depth=self.max_depth, random_state=0)

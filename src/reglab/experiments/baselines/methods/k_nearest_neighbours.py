"""The vote of the nearest training examples."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from annotated_types import Ge

from reglab.experiments.baselines.base import Baseline


@dataclass(frozen=True)
class KNearestNeighbours(Baseline):
    """P(c) = share of class c among the `n_neighbors` nearest by Euclidean distance, each weighing 1 or 1/distance; of
    amounts their mean with the same weights, of labels the share that has each. Weights of examples do not count:
    scikit-learn takes none here.

    Source: Cover and Hart, Nearest Neighbor Pattern Classification, 1967.
    """

    takes_weights: ClassVar[bool] = False

    n_neighbors: Annotated[int, Ge(1)] = 5
    weights: Literal["uniform", "distance"] = "uniform"

    def estimator(self):
        from sklearn.neighbors import KNeighborsClassifier

        return KNeighborsClassifier(self.n_neighbors, weights=self.weights, n_jobs=1)

    def label_estimator(self):
        return self.estimator()  # scikit-learn's takes several labels as they are

    def regressor(self):
        from sklearn.neighbors import KNeighborsRegressor

        return KNeighborsRegressor(self.n_neighbors, weights=self.weights, n_jobs=1)

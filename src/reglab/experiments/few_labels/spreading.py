"""Label spreading: known labels run along a graph of neighbours to the examples without one."""

from typing import NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits

ITERATIONS = 1_000  # at most: it has converged long before


class SpreadLabels(NamedTuple):
    """Class probabilities (n, classes) of the examples of the graph, and scikit-learn's estimator, which has new examples."""

    probabilities: np.ndarray
    estimator: object

    def predict(self, points: np.ndarray) -> np.ndarray:
        """Class probabilities (m, classes) of points (m, d) that are not in the graph: the mean of their neighbours'."""
        with threadpool_limits(1), np.errstate(invalid="ignore"):
            return self.completed(self.estimator.predict_proba(points), self.probabilities.shape[1])

    def completed(self, found: np.ndarray, classes: int) -> np.ndarray:
        """Probabilities of all classes from those of the classes with a label; equal ones where no label has arrived."""
        probabilities = np.zeros((len(found), classes))
        probabilities[:, self.estimator.classes_] = found
        return np.where(np.isnan(probabilities).any(1, keepdims=True), 1 / classes, probabilities)


def spread_labels(points: np.ndarray, known: np.ndarray, n_neighbors: int, alpha: float, classes: int) -> SpreadLabels:
    """Iterates  F <- alpha S F + (1 - alpha) Y  to its fixed point on the graph of the nearest of points (n, d).

    S is the normalised adjacency of the graph, Y the given labels: `known` (k,) are the classes of the first k points.

    Source: Zhou, Bousquet, Lal, Weston and Schölkopf, Learning with Local and Global Consistency, 2004, section 2.
    """
    from sklearn.semi_supervised import LabelSpreading as Estimator

    estimator = Estimator("knn", n_neighbors=n_neighbors, alpha=alpha, max_iter=ITERATIONS, n_jobs=1)
    unknown = np.full(len(points) - len(known), -1)
    with threadpool_limits(1), np.errstate(invalid="ignore"):  # sums in another order are other bits; 0/0 is NaN
        estimator.fit(points, np.concatenate([known, unknown]))
    spread = SpreadLabels(np.empty((0, classes)), estimator)
    return spread._replace(probabilities=spread.completed(estimator.label_distributions_, classes))

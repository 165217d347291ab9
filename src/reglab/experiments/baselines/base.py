"""The base of classical methods, and how they are fitted."""

from typing import TYPE_CHECKING

import numpy as np
from threadpoolctl import threadpool_limits

from reglab.core.errors import UserError

if TYPE_CHECKING:  # scikit-learn is imported when an estimator is made: reading params.yaml should not take a second
    from sklearn.base import ClassifierMixin


class Baseline:
    """A frozen dataclass whose fields are its entry under `baselines:` in params.yaml."""

    def estimator(self) -> "ClassifierMixin":
        """An unfitted scikit-learn classifier with `predict_proba`, deterministic, on one thread."""
        raise NotImplementedError


def fit_predict(
    estimator: "ClassifierMixin", train_x: np.ndarray, train_y: np.ndarray, parts: dict[str, np.ndarray], classes: int
) -> dict[str, np.ndarray]:
    """Fit the estimator to the training set alone; returns class probabilities (examples, classes) of each part.

    A class that the training set lacks has probability 0. Raises UserError when the estimator refuses the training set.
    """

    def flat(x: np.ndarray) -> np.ndarray:
        return np.asarray(x, dtype=np.float64).reshape(len(x), -1)

    probabilities = {part: np.zeros((len(x), classes)) for part, x in parts.items()}
    try:
        with threadpool_limits(1):  # sums in another order are other bits
            estimator.fit(flat(train_x), train_y)
            for part, x in parts.items():
                probabilities[part][:, estimator.classes_] = estimator.predict_proba(flat(x))
    except ValueError as error:
        reason = " ".join(str(error).split())
        raise UserError(
            f"params.yaml: baselines: scikit-learn's {type(estimator).__name__} refuses the {len(train_x)} training "
            f"examples ({reason}); change the entry, raise data.train_size or remove the baseline"
        ) from error
    return probabilities

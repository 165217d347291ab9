"""The base of classical methods, and how they are fitted."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from threadpoolctl import threadpool_limits

from reglab.core.errors import UserError
from reglab.data.prepared import Split
from reglab.data.stored_inputs import StoredInputs, rows_in_file

if TYPE_CHECKING:  # scikit-learn is imported when an estimator is made: reading params.yaml should not take a second
    from sklearn.base import ClassifierMixin, RegressorMixin


class Baseline:
    """A frozen dataclass whose fields are its entry under `baselines:` in params.yaml.

    `needs` is what it needs of the data, as that of a technique: "discrete" for a method of classes and labels, "amounts" for
    one of regression alone. `takes_weights`: whether the `fit` of its estimators has a `sample_weight`, which weights of
    examples are passed to; for the others all examples count alike. `copied`: how many bytes `fit` takes for each number of
    the training part, beside the float64 numbers that it is given.
    """

    needs: ClassVar[tuple[str, ...]] = ()
    copied: ClassVar[int] = 0
    takes_weights: ClassVar[bool] = True

    def estimator(self) -> "ClassifierMixin":
        """An unfitted scikit-learn classifier with `predict_proba`, deterministic, on one thread."""
        raise NotImplementedError

    def regressor(self) -> "RegressorMixin":
        """An unfitted scikit-learn regressor, deterministic, on one thread; its targets are standardized."""
        raise NotImplementedError

    def label_estimator(self) -> "ClassifierMixin":
        """An unfitted estimator of several labels with `predict_proba`, as of the estimators of scikit-learn that take them:
        one `estimator` a label, unless a method has one for all.
        """
        from sklearn.multioutput import MultiOutputClassifier

        return MultiOutputClassifier(self.estimator())

    def estimator_for(self, split: Split) -> "ClassifierMixin | RegressorMixin":
        """The unfitted estimator for the task of a split."""
        made = {"classification": self.estimator, "regression": self.regressor, "multilabel": self.label_estimator}
        return made[split.task.name]()


def flat(inputs: np.ndarray | StoredInputs) -> np.ndarray:
    """The inputs as rows (n, numbers) of float64; those that stay in their file in another file."""
    if isinstance(inputs, StoredInputs):
        return rows_in_file([inputs])
    return np.asarray(inputs, dtype=np.float64).reshape(len(inputs), -1)


def in_pieces(predict: Callable[[np.ndarray], np.ndarray], inputs: np.ndarray | StoredInputs) -> np.ndarray:
    """What a fitted estimator predicts for all inputs, which are read in pieces where they stay in their file."""
    if isinstance(inputs, StoredInputs):
        return np.concatenate([predict(flat(piece)) for piece in inputs.pieces()])
    return predict(flat(inputs))


def has_sample_weight(estimator: "ClassifierMixin | RegressorMixin") -> bool:
    """Whether the estimator's `fit` takes weights of examples; k nearest neighbours do not."""
    from sklearn.utils.validation import has_fit_parameter

    return has_fit_parameter(estimator, "sample_weight")


def fit_split(
    estimator: "ClassifierMixin | RegressorMixin", split: Split, parts: dict[str, np.ndarray | StoredInputs]
) -> dict[str, np.ndarray]:
    """`fit_predict` on the labelled part of a split."""
    inputs, labels = split.inputs["labelled"], split.labels["labelled"]
    return fit_predict(estimator, inputs, labels, parts, split.classes, split.target_scale, split.weights)


def fit_predict(
    estimator: "ClassifierMixin | RegressorMixin",
    train_x: np.ndarray | StoredInputs,
    train_y: np.ndarray,
    parts: dict[str, np.ndarray | StoredInputs],
    classes: int | None,
    target_scale: tuple[float, float] = (0.0, 1.0),
    weights: np.ndarray | None = None,
) -> dict[str, np.ndarray]:
    """Fit the estimator to the training set alone; returns predictions (examples, outputs) of each part.

    Of classes these are probabilities; a class that the training set lacks has probability 0. Of labels (n, labels) it is
    the probability of each. Without `classes` labels (n,) are amounts: a regressor is fitted to (y - mean) / std, where
    `target_scale` is mean and std, and its predictions are in the unit of y. `weights` (n,) are those of the training set,
    for estimators that take some. Raises UserError when the estimator refuses the training set.
    """
    inputs, (mean, std) = flat(train_x), target_scale
    weighted = (
        {} if weights is None or not has_sample_weight(estimator) else {"sample_weight": weights.astype(np.float64)}
    )
    try:
        with threadpool_limits(1):  # sums in another order are other bits
            if classes is None and np.ndim(train_y) == 1:
                estimator.fit(inputs, (train_y - mean) / std, **weighted)
                return {part: mean + std * in_pieces(estimator.predict, x)[:, None] for part, x in parts.items()}
            estimator.fit(inputs, train_y, **weighted)
            if np.ndim(train_y) == 2:
                return {part: in_pieces(partial(of_labels, estimator), x) for part, x in parts.items()}
            probabilities = {part: np.zeros((len(x), classes)) for part, x in parts.items()}
            for part, x in parts.items():
                probabilities[part][:, estimator.classes_] = in_pieces(estimator.predict_proba, x)
            return probabilities
    except ValueError as error:
        reason = " ".join(str(error).split())
        raise UserError(
            f"params.yaml: baselines: scikit-learn's {type(estimator).__name__} refuses the {len(inputs)} training "
            f"examples ({reason}); change the entry, raise data.train_size or remove the baseline"
        ) from error


def of_labels(estimator: "ClassifierMixin", inputs: np.ndarray) -> np.ndarray:
    """The probability (n, labels) of each label by a fitted estimator; 0 or 1 where no or every training example had it."""
    columns = []
    for values, shares in zip(estimator.classes_, estimator.predict_proba(inputs), strict=True):
        columns.append(shares @ (np.asarray(values) == 1))
    return np.stack(columns, axis=1)

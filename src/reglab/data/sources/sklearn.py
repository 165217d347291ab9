"""Small data sets that scikit-learn ships, as numeric columns: breast_cancer, wine, iris, digits, diabetes."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from reglab.data.preprocessing.columns import Columns
from reglab.data.scaling import Scaling
from reglab.data.source import Examples, Source


@dataclass(frozen=True)
class ScikitLearn(Source):
    """`dataset` names one of `sklearn.datasets.load_*`; its columns are scaled on the training part by `scaling`.

    All are of classes but diabetes, whose target is an amount: how far the disease has progressed after a year.
    """

    dataset: Literal["breast_cancer", "wine", "iris", "digits", "diabetes"]
    scaling: Scaling = "robust"

    def load(self) -> Examples:
        from sklearn import datasets

        bunch = getattr(datasets, f"load_{self.dataset}")()
        inputs = Columns(bunch.data, self.scaling)
        if self.dataset == "diabetes":
            return Examples(inputs=inputs, targets=bunch.target)
        classes = tuple(map(str, bunch.target_names))
        return Examples(inputs=inputs, targets=bunch.target.astype(np.int64), classes=classes)

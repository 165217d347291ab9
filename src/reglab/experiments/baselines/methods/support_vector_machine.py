"""A support vector machine with a radial kernel and calibrated probabilities."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from annotated_types import Gt, Le

from reglab.experiments.baselines.base import Baseline


class LabelFolds:
    """Five stratified folds, or fewer where a label has fewer examples with it or without it, two at the least."""

    def get_n_splits(self, inputs=None, labels=None, groups=None) -> int:
        return max(2, min(5, np.bincount(labels).min()))

    def split(self, inputs, labels, groups=None):
        from sklearn.model_selection import StratifiedKFold

        folds = self.get_n_splits(labels=labels)
        return StratifiedKFold(folds, shuffle=True, random_state=0).split(inputs, labels)


@dataclass(frozen=True)
class SupportVectorMachine(Baseline):
    """Minimises  |w|²/2 + C sum_i slack_i  with the kernel exp(-|x - x'|² / (features Var x)).

    Probabilities are softmax(scores / T), T fitted to the scores of five-fold cross-validation in the training set; one
    number T leaves the order of the classes, and so the decisions, as they are. Of amounts, standardized, the slack of an
    example is how far it is from the prediction beyond 0.1. Of several labels there is a machine for each, with its own T.

    Sources: Cortes and Vapnik, Support-Vector Networks, 1995; Guo et al., On Calibration of Modern Neural Networks, 2017.
    """

    copied: ClassVar[int] = 16  # the examples of a fold, and those that libsvm keeps, float64

    C: Annotated[float, Gt(0), Le(1e6)] = 1.0

    def estimator(self):
        from sklearn.calibration import CalibratedClassifierCV
        from sklearn.model_selection import StratifiedKFold
        from sklearn.svm import SVC

        folds = StratifiedKFold(5, shuffle=True, random_state=0)
        return CalibratedClassifierCV(SVC(C=self.C), method="temperature", cv=folds, ensemble=False)

    def label_estimator(self):
        from sklearn.calibration import CalibratedClassifierCV
        from sklearn.multioutput import MultiOutputClassifier
        from sklearn.svm import SVC

        calibrated = CalibratedClassifierCV(SVC(C=self.C), method="temperature", cv=LabelFolds(), ensemble=False)
        return MultiOutputClassifier(calibrated)

    def regressor(self):
        from sklearn.svm import SVR

        return SVR(C=self.C)

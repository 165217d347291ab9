"""A support vector machine with a radial kernel and calibrated probabilities."""

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Gt, Le

from reglab.experiments.baselines.base import Baseline


@dataclass(frozen=True)
class SupportVectorMachine(Baseline):
    """Minimises  |w|²/2 + C sum_i slack_i  with the kernel exp(-|x - x'|² / (features Var x)).

    Probabilities are softmax(scores / T), T fitted to the scores of five-fold cross-validation in the training set; one
    number T leaves the order of the classes, and so the decisions, as they are. Of amounts, standardized, the slack of an
    example is how far it is from the prediction beyond 0.1.

    Sources: Cortes and Vapnik, Support-Vector Networks, 1995; Guo et al., On Calibration of Modern Neural Networks, 2017.
    """

    C: Annotated[float, Gt(0), Le(1e6)] = 1.0

    def estimator(self):
        from sklearn.calibration import CalibratedClassifierCV
        from sklearn.model_selection import StratifiedKFold
        from sklearn.svm import SVC

        folds = StratifiedKFold(5, shuffle=True, random_state=0)
        return CalibratedClassifierCV(SVC(C=self.C), method="temperature", cv=folds, ensemble=False)

    def regressor(self):
        from sklearn.svm import SVR

        return SVR(C=self.C)

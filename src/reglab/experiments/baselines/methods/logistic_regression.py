"""Softmax regression on the inputs; of several labels, one logistic regression a label."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from annotated_types import Gt

from reglab.experiments.baselines.base import Baseline


@dataclass(frozen=True)
class LogisticRegression(Baseline):
    """Minimises  |W|²/2 + C sum_i -log softmax(W x_i + b)_{y_i};  the biases b are free.

    Source: Bishop, Pattern Recognition and Machine Learning, 2006, eqs. 4.104 and 4.108, written as in scikit-learn.
    """

    needs: ClassVar[tuple[str, ...]] = ("discrete",)

    C: Annotated[float, Gt(0)] = 1.0

    def estimator(self):
        from sklearn.linear_model import LogisticRegression

        return LogisticRegression(C=self.C, max_iter=1_000)

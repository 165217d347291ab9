"""Linear regression with an L2 penalty."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from annotated_types import Gt

from reglab.experiments.baselines.base import Baseline


@dataclass(frozen=True)
class RidgeRegression(Baseline):
    """Minimises  sum_i (t_i - w x_i - b)² + alpha |w|²  of the standardized target t; the bias b is free.

    Source: Hoerl and Kennard, Ridge Regression: Biased Estimation for Nonorthogonal Problems, 1970, eq. 2.1.
    """

    needs: ClassVar[tuple[str, ...]] = ("amounts",)
    copied: ClassVar[int] = 16  # float64, centred, while they are made

    alpha: Annotated[float, Gt(0)] = 1.0

    def regressor(self):
        from sklearn.linear_model import Ridge

        return Ridge(self.alpha, solver="cholesky")

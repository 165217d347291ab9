"""Metrics of predicted amounts."""

from torch import Tensor
from torchmetrics.functional.regression import mean_absolute_error, mean_squared_error


def regression(predictions: Tensor, labels: Tensor) -> dict[str, float]:
    """The metrics of `metric_table` for amounts; `r2` is missing where all labels are equal.

        rmse = (mean (y - ŷ)²)^½        mae = mean |y - ŷ|        r2 = 1 - sum (y - ŷ)² / sum (y - mean y)²

    predictions: (examples,) or (examples, 1), labels: (examples,), both in the unit of the target, which is that of rmse and
    mae. The mean in r2 is that of these labels, so that r2 is 0 where that mean is predicted, and may be negative. It is one
    minus a quotient of two mean squared errors: torchmetrics' own `r2_score` takes the spread as the difference of two large
    sums (it is off by 6e-5 for labels of 1,000,000 ± 1), and sums of squares below 1e-4 as 0.

    Draper and Smith, Applied Regression Analysis, 3rd edition, 1998, chapter 1, for r2.
    """
    predicted, true = predictions.double().flatten(), labels.double()
    squared = mean_squared_error(predicted, true)
    spread = mean_squared_error(true.mean().expand_as(true), true)
    measured = {"rmse": squared.sqrt().item(), "mae": mean_absolute_error(predicted, true).item()}
    return measured | ({"r2": (1 - squared / spread).item()} if spread > 0 else {})

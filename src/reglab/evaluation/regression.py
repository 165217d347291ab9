"""Metrics of predicted amounts."""

from torch import Tensor


def regression(predictions: Tensor, labels: Tensor) -> dict[str, float]:
    """The metrics of `metric_table` for amounts; `r2` is missing where all labels are equal.

        rmse = (mean (y - ŷ)²)^½        mae = mean |y - ŷ|        r2 = 1 - sum (y - ŷ)² / sum (y - mean y)²

    predictions: (examples,) or (examples, 1), labels: (examples,), both in the unit of the target, which is that of rmse and
    mae. The mean in r2 is that of these labels, so that r2 is 0 where that mean is predicted, and may be negative.

    Draper and Smith, Applied Regression Analysis, 3rd edition, 1998, chapter 1, for r2.
    """
    predicted, true = predictions.double().flatten(), labels.double()
    errors = true - predicted
    measured = {"rmse": errors.square().mean().sqrt().item(), "mae": errors.abs().mean().item()}
    spread = (true - true.mean()).square().sum()
    return measured | ({"r2": (1 - errors.square().sum() / spread).item()} if spread > 0 else {})

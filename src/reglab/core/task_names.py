"""The names of the tasks, and of each the metric that is its loss, for code that does without torch."""

from typing import Literal

TaskName = Literal["classification", "regression", "multilabel"]

LOSSES: dict[TaskName, str] = {
    "classification": "nll",
    "regression": "rmse",  # the square root of the mean squared error
    "multilabel": "binary_cross_entropy",
}

"""The names of the tasks, and of each the metrics that its curves show, for code that does without torch."""

from typing import Literal

TaskName = Literal["classification", "regression", "multilabel"]

MEASURED: dict[TaskName, tuple[str, ...]] = {  # in every epoch, the loss first
    "classification": ("nll", "accuracy"),
    "regression": ("rmse",),
    "multilabel": ("binary_cross_entropy", "hamming_loss"),
}
LOSSES = {task: metrics[0] for task, metrics in MEASURED.items()}
CURVES = {  # columns of the curves, the losses last
    task: tuple(f"{part}_{metric}" for metric in reversed(metrics) for part in ("train", "validation"))
    for task, metrics in MEASURED.items()
}

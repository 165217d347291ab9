"""The metrics of predictions, of classes or of amounts."""

import numpy as np
import torch

from reglab.data.target_kind import task_of
from reglab.evaluation.classification import classification
from reglab.evaluation.regression import regression


def predicted_metrics(predictions: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    """The metrics of predictions (examples, outputs) for labels (examples,): class numbers, or amounts in their unit."""
    measure = classification if task_of(labels) == "classification" else regression
    return measure(torch.as_tensor(predictions), torch.as_tensor(labels))

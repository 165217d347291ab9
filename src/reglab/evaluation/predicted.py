"""The metrics of predictions: of classes, of amounts or of labels."""

import numpy as np
import torch

from reglab.data.target_kind import task_of
from reglab.evaluation.classification import classification
from reglab.evaluation.multilabel import multilabel
from reglab.evaluation.regression import regression

MEASURES = {"classification": classification, "regression": regression, "multilabel": multilabel}


def predicted_metrics(predictions: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    """The metrics of predictions (examples, outputs) for labels: class numbers or amounts in their unit (examples,),
    or (examples, labels) of 0 and 1.
    """
    return MEASURES[task_of(labels)](torch.as_tensor(predictions), torch.as_tensor(labels))

"""Probes: the quality of a representation, measured by simple models of the targets on top of it.

They are scored on held-out examples by the accuracy of classes, by the R² of amounts, or by the area under the ROC curve of
each label, the mean over the labels. Where that is not defined, because all held-out targets are alike, the score is that of
guessing, 0 or 1/2.
"""

from typing import NamedTuple

import numpy as np
import torch
from threadpoolctl import threadpool_limits
from torch import Tensor
from torch.nn.functional import normalize, one_hot

from reglab.core.losses import share
from reglab.core.task_names import TaskName
from reglab.data.target_kind import task_of
from reglab.evaluation.predicted import predicted_metrics

PAIRS = 2**24  # of examples whose cosines are computed at once
RIDGE = 0.1  # per example, beside features of unit variance
NEIGHBOURS = 5
SCORES: dict[TaskName, tuple[str, float]] = {  # the metric of a probe, and what guessing scores
    "regression": ("r2", 0.0),
    "multilabel": ("multilabel_auroc", 0.5),
}


class Probed(NamedTuple):
    """The examples on which probes are fitted and tested: inputs (n, *shape) and labels of both parts.

    Labels are class numbers (n,), amounts (n,) or (n, labels) of 0 and 1.
    """

    inputs: Tensor
    labels: Tensor
    held_out_inputs: Tensor
    held_out_labels: Tensor


def linear_probe(features: Tensor, labels: Tensor, held_out: Tensor, held_out_labels: Tensor) -> float:
    """The score of the best linear map from standardised features to one-hot labels or amounts, by ridge regression.

        W = (F^T F + 0.1 n I)^-1 F^T (Y - mean Y)

    Of several labels it is that of a logistic regression a label. features (n, d), labels (n,) or (n, labels); held out
    likewise. Alain and Bengio, Understanding intermediate layers using linear classifier probes, 2017; the squared loss in
    the place of theirs gives a closed form.
    """
    features, held_out = features.double(), held_out.double()
    mean, spread = features.mean(0), features.std(0, correction=0).clamp(min=1e-6)
    standardized, queries = (features - mean) / spread, (held_out - mean) / spread
    if labels.ndim == 2:
        return scored(logistic_probabilities(standardized, labels, queries), held_out_labels)
    targets = targets_of(labels, held_out_labels)
    identity = torch.eye(standardized.shape[1], dtype=standardized.dtype, device=standardized.device)
    curvature = standardized.T @ standardized + RIDGE * len(standardized) * identity
    weights = torch.linalg.solve(curvature, standardized.T @ (targets - targets.mean(0)))
    return scored(queries @ weights + targets.mean(0), held_out_labels)


def neighbour_probe(features: Tensor, labels: Tensor, held_out: Tensor, held_out_labels: Tensor) -> float:
    """The score of the vote of the 5 nearest neighbours by cosine; of equals the class of the smaller number.

    Amounts and the presence of each label are the means over the neighbours. Wu, Xiong, Yu and Lin, Unsupervised Feature
    Learning via Non-Parametric Instance Discrimination, 2018, section 3.4.
    """
    near = nearest(features, held_out, min(NEIGHBOURS, len(features)))
    return scored(targets_of(labels, held_out_labels)[near].mean(1), held_out_labels)


def targets_of(labels: Tensor, held_out_labels: Tensor) -> Tensor:
    """What a probe fits, (n, outputs): one-hot rows of classes, the amounts, or the labels."""
    if labels.ndim == 2:
        return labels.double()
    if labels.is_floating_point():
        return labels.double()[:, None]
    return one_hot(labels, int(max(labels.max(), held_out_labels.max())) + 1).double()


def logistic_probabilities(features: Tensor, labels: Tensor, queries: Tensor) -> Tensor:
    """The probability (m, labels) of each label by scikit-learn's logistic regression on features (n, d), C = 1.

    Of a label that all of these examples or none have, it is 1 or 0.
    """
    from sklearn.linear_model import LogisticRegression

    fitted, asked = features.cpu().numpy(), queries.cpu().numpy()
    columns = []
    with threadpool_limits(1):  # sums in another order are other bits
        for label in labels.cpu().numpy().T:
            if label.min() == label.max():
                columns.append(np.full(len(asked), float(label[0])))
            else:
                columns.append(LogisticRegression(max_iter=1_000).fit(fitted, label).predict_proba(asked)[:, 1])
    return torch.as_tensor(np.stack(columns, 1))


def scored(predictions: Tensor, labels: Tensor) -> float:
    """The score of predictions (m, outputs) for labels: what the docstring of this module says."""
    truth = labels.cpu().numpy()
    if (task := task_of(truth)) == "classification":
        return share(predictions.argmax(1) == labels)
    name, guessing = SCORES[task]
    return predicted_metrics(predictions.cpu().numpy(), truth).get(name, guessing)


def nearest(features: Tensor, queries: Tensor, count: int) -> Tensor:
    """The rows (m, count) of features (n, d) with the largest cosine to each of queries (m, d), the nearest first."""
    directions = normalize(features.double(), dim=1).T
    pieces = normalize(queries.double(), dim=1).split(max(1, PAIRS // max(1, len(features))))
    return torch.cat([(piece @ directions).topk(count, dim=1).indices for piece in pieces])

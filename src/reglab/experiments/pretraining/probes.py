"""Probes: what a representation holds, told by the simplest classifiers on top of it."""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import normalize, one_hot

from reglab.core.losses import share

RIDGE = 0.1  # per example, beside features of unit variance
NEIGHBOURS = 5


class Probed(NamedTuple):
    """What probes are fitted on and judged by: inputs (n, *shape) and labels (n,) of either part."""

    inputs: Tensor
    labels: Tensor
    held_out_inputs: Tensor
    held_out_labels: Tensor


def linear_probe(features: Tensor, labels: Tensor, held_out: Tensor, held_out_labels: Tensor) -> float:
    """Accuracy of the best linear map from standardised features to one-hot labels, by ridge regression.

        W = (F^T F + 0.1 n I)^-1 F^T (Y - mean Y)

    features (n, d), labels (n,); held out likewise. Alain and Bengio, Understanding intermediate layers using linear
    classifier probes, 2017; the squared loss in the place of theirs gives a closed form.
    """
    features, held_out = features.double(), held_out.double()
    mean, spread = features.mean(0), features.std(0, correction=0).clamp(min=1e-6)
    known, asked = (features - mean) / spread, (held_out - mean) / spread
    targets = one_hot(labels, int(max(labels.max(), held_out_labels.max())) + 1).double()
    curvature = known.T @ known + RIDGE * len(known) * torch.eye(known.shape[1], dtype=known.dtype, device=known.device)
    weights = torch.linalg.solve(curvature, known.T @ (targets - targets.mean(0)))
    scores = asked @ weights + targets.mean(0)
    return share(scores.argmax(1) == held_out_labels)


def neighbour_probe(features: Tensor, labels: Tensor, held_out: Tensor, held_out_labels: Tensor) -> float:
    """Accuracy of the vote of the 5 nearest neighbours by cosine; of equals the class of the smaller number.

    Wu, Xiong, Yu and Lin, Unsupervised Feature Learning via Non-Parametric Instance Discrimination, 2018, section 3.4.
    """
    near = nearest(features, held_out, min(NEIGHBOURS, len(features)))
    votes = one_hot(labels[near], int(max(labels.max(), held_out_labels.max())) + 1).sum(1)
    return share(votes.argmax(1) == held_out_labels)


def nearest(features: Tensor, asked: Tensor, count: int) -> Tensor:
    """The rows (m, count) of features (n, d) with the largest cosine to each of asked (m, d), the nearest first."""
    cosines = normalize(asked.double(), dim=1) @ normalize(features.double(), dim=1).T
    return cosines.topk(count, dim=1).indices

"""Probes: the quality of a representation, measured by simple classifiers on top of it."""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import normalize, one_hot

from reglab.core.losses import share

RIDGE = 0.1  # per example, beside features of unit variance
NEIGHBOURS = 5


class Probed(NamedTuple):
    """The examples on which probes are fitted and tested: inputs (n, *shape) and labels (n,) of both parts."""

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
    standardized, queries = (features - mean) / spread, (held_out - mean) / spread
    targets = one_hot(labels, int(max(labels.max(), held_out_labels.max())) + 1).double()
    identity = torch.eye(standardized.shape[1], dtype=standardized.dtype, device=standardized.device)
    curvature = standardized.T @ standardized + RIDGE * len(standardized) * identity
    weights = torch.linalg.solve(curvature, standardized.T @ (targets - targets.mean(0)))
    scores = queries @ weights + targets.mean(0)
    return share(scores.argmax(1) == held_out_labels)


def neighbour_probe(features: Tensor, labels: Tensor, held_out: Tensor, held_out_labels: Tensor) -> float:
    """Accuracy of the vote of the 5 nearest neighbours by cosine; of equals the class of the smaller number.

    Wu, Xiong, Yu and Lin, Unsupervised Feature Learning via Non-Parametric Instance Discrimination, 2018, section 3.4.
    """
    near = nearest(features, held_out, min(NEIGHBOURS, len(features)))
    votes = one_hot(labels[near], int(max(labels.max(), held_out_labels.max())) + 1).sum(1)
    return share(votes.argmax(1) == held_out_labels)


def nearest(features: Tensor, queries: Tensor, count: int) -> Tensor:
    """The rows (m, count) of features (n, d) with the largest cosine to each of queries (m, d), the nearest first."""
    cosines = normalize(queries.double(), dim=1) @ normalize(features.double(), dim=1).T
    return cosines.topk(count, dim=1).indices

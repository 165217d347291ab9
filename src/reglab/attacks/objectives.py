"""Objectives that attacks maximize: functions of scores (n, classes) or amounts (n, 1) and targets, a value per example."""

import torch
from torch import Tensor
from torch.nn import functional


def cross_entropy(scores: Tensor, targets: Tensor) -> Tensor:
    """-sum_y t_y log softmax(z)_y, for labels (n,) or distributions (n, classes), in nats."""
    return functional.cross_entropy(scores, targets, reduction="none")


def squared_error(outputs: Tensor, targets: Tensor) -> Tensor:
    """(z - t)² of amounts (n, 1), on the scale of the loss."""
    return (outputs - targets).square().sum(1)


def loss(scores: Tensor, targets: Tensor) -> Tensor:
    """What the task minimises: the squared error of amounts (n, 1), else the cross-entropy."""
    return squared_error(scores, targets) if scores.shape[1] == 1 else cross_entropy(scores, targets)


def margin(scores: Tensor, labels: Tensor) -> Tensor:
    """max over j != y of z_j - z_y: positive when the model is wrong; keeps its slope where the softmax saturates."""
    classes = labels[:, None]
    return scores.scatter(1, classes, -torch.inf).amax(1) - scores.gather(1, classes)[:, 0]


def targeted(scores: Tensor, labels_and_aims: Tensor) -> Tensor:
    """(z_t - z_y) / (z_(1) - (z_(3) + z_(4)) / 2) for rows (y, t); no scale or shift of the scores changes it.

    z_(k) is the k-th largest score. Below four classes, where there is no fourth, the margin z_t - z_y.

    Source: Croce and Hein, Reliable Evaluation of Adversarial Robustness with an Ensemble of Diverse Parameter-free
    Attacks, 2020, eq. 7.
    """
    true_score, aim_score = scores.gather(1, labels_and_aims).unbind(1)
    if scores.shape[1] < 4:
        return aim_score - true_score
    first, _, third, fourth = scores.topk(4, dim=1).values.unbind(1)
    return (aim_score - true_score) / (first - (third + fourth) / 2 + 1e-12)


def divergence(scores: Tensor, reference: Tensor) -> Tensor:
    """KL(softmax(reference) || softmax(scores)) of scores (n, classes) against scores (n, classes), in nats."""
    return functional.kl_div(scores.log_softmax(1), reference.log_softmax(1), reduction="none", log_target=True).sum(1)

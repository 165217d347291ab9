"""What is learned: classes, amounts or sets of labels, each with its targets, loss and predictions as functions of tensors.

Labels are as the data has them, targets (batch, outputs) as the loss takes them, outputs (batch, outputs) are what a network
gives, and predictions are what people read: probabilities of classes or labels, or values in the unit of the labels.
"""

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn import functional

from reglab.core.losses import accuracy, consistency, cross_entropy, share, symmetric_divergence
from reglab.core.task_names import LOSSES

TINY = torch.finfo(torch.float32).tiny  # what a probability of 0 counts as, in logarithms


def criteria_of_members(task: "Regression | Multilabel", outputs: Tensor, targets: Tensor) -> Tensor:
    """The criterion of each of several networks, (members,), for outputs and targets (members, batch, outputs)."""
    return torch.stack([task.criterion(*member) for member in zip(outputs, targets, strict=True)])


@dataclass(frozen=True)
class Classification:
    """One of `outputs` classes an example; the loss is the cross-entropy of softmax(outputs), in nats."""

    outputs: int
    name: ClassVar[str] = "classification"
    loss: ClassVar[str] = LOSSES["classification"]  # the metric that is the loss, in curves and records
    score: ClassVar[str] = "accuracy"  # the metric that `value` is
    gap: ClassVar[str] = "generalization_gap"  # the metric that is how much better it is in training

    def targets(self, labels) -> Tensor:
        """One-hot rows (n, classes) float32 of the class numbers (n,)."""
        return functional.one_hot(torch.as_tensor(labels), self.outputs).float()

    def losses(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """-sum_c t_c log softmax(z)_c of each example, (batch,)."""
        return functional.cross_entropy(outputs, targets, reduction="none")

    def criterion(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """The mean of the losses."""
        return cross_entropy(outputs, targets)

    def criteria(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """The criterion of each of several networks, (members,), for outputs and targets (members, batch, classes)."""
        return -(outputs.log_softmax(2) * targets).flatten(1).sum(1) / outputs.shape[1]

    def predictions(self, outputs: Tensor) -> Tensor:
        """Class probabilities softmax(z), (batch, classes)."""
        return outputs.softmax(1)

    def outputs_of(self, predictions: Tensor) -> Tensor:
        """Outputs with these predictions: log-probabilities, where a probability of 0 counts as 1e-38."""
        return predictions.clamp(min=TINY).log()

    def value(self, predictions: Tensor, labels: Tensor) -> float:
        """The accuracy of predictions (..., n, classes) for labels (n,): the share of classes that are right."""
        return share(predictions.argmax(-1) == labels)

    def measure(self, outputs: Tensor, targets: Tensor) -> dict[str, Tensor]:
        """What is measured on a batch in every epoch, the loss first."""
        return {"nll": cross_entropy(outputs, targets), "accuracy": accuracy(outputs, targets)}

    def arithmetic_mean(self, outputs: Tensor) -> Tensor:
        """Log-probabilities (batch, classes) of the mean of the predictions of outputs (members, batch, classes)."""
        return outputs.log_softmax(2).logsumexp(0) - math.log(len(outputs))

    def geometric_mean(self, outputs: Tensor) -> Tensor:
        """The same of the geometric mean, renormalised."""
        return outputs.log_softmax(2).mean(0).log_softmax(1)

    def distances(self, predictions: Tensor) -> Tensor:
        """How far each two of predictions (members, n, classes) are apart, (members, members): the share of the examples on
        which they choose different classes.
        """
        votes = predictions.argmax(2)
        return (votes[:, None] != votes).double().mean(2)

    @property
    def wrong_values(self) -> int:
        """How many other values a target could have: the other classes."""
        return self.outputs - 1

    def symmetric_divergence(self, one: Tensor, other: Tensor) -> Tensor:
        """(KL(p, q) + KL(q, p))/2 of the predictions p and q of two outputs, (batch,)."""
        return symmetric_divergence(one, other)

    def consistency(self, outputs: Tensor, opinions: Tensor, temperature: float) -> Tensor:
        """How far predictions are from sharpened opinions, both outputs (batch, classes): `core.losses.consistency`."""
        return consistency(outputs, opinions, temperature)

    def choices(self, outputs: Tensor) -> Tensor:
        """The scores (choices, values) of every single choice: those of the classes, once an example."""
        return outputs


@dataclass(frozen=True)
class Regression:
    """A number an example; targets are t = (y - mean) / std, and the loss is the mean squared error of t.

    mean and std are those of the training labels, in their unit. Minimising the mean squared error is maximum likelihood
    with Gaussian noise of fixed variance: Bishop, Pattern Recognition and Machine Learning, 2006, section 3.1.1.
    """

    mean: float
    std: float
    name: ClassVar[str] = "regression"
    loss: ClassVar[str] = LOSSES["regression"]
    score: ClassVar[str] = "rmse"
    gap: ClassVar[str] = "excess_rmse"
    outputs: ClassVar[int] = 1

    def targets(self, labels) -> Tensor:
        """Standardized labels (n, 1) float32 of the labels (n,)."""
        return ((torch.as_tensor(labels) - self.mean) / self.std).float()[:, None]

    def losses(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """(z - t)² of each example, (batch,)."""
        return (outputs - targets).square().sum(1)

    def criterion(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """The mean of the losses."""
        return functional.mse_loss(outputs, targets)

    criteria = criteria_of_members

    def predictions(self, outputs: Tensor) -> Tensor:
        """Values mean + std z in the unit of the labels, (batch, 1)."""
        return self.mean + self.std * outputs

    def outputs_of(self, predictions: Tensor) -> Tensor:
        """Outputs with these predictions."""
        return (predictions - self.mean) / self.std

    def value(self, predictions: Tensor, labels: Tensor) -> float:
        """The rmse of predictions (..., n, 1) for labels (n,), over all of them."""
        return (predictions[..., 0].double() - labels).square().mean().sqrt().item()

    def measure(self, outputs: Tensor, targets: Tensor) -> dict[str, Tensor]:
        """What is measured on a batch in every epoch, in the unit of the labels."""
        return {"rmse": self.std * functional.mse_loss(outputs, targets).sqrt()}

    def arithmetic_mean(self, outputs: Tensor) -> Tensor:
        """The mean (batch, 1) of outputs (members, batch, 1)."""
        return outputs.mean(0)

    geometric_mean = arithmetic_mean  # amounts may be negative

    def distances(self, predictions: Tensor) -> Tensor:
        """How far each two of predictions (members, n, 1) are apart: the root mean squared difference."""
        values = predictions[..., 0].double()
        return (values[:, None] - values).square().mean(2).sqrt()

    def consistency(self, outputs: Tensor, opinions: Tensor, temperature: float) -> Tensor:
        """The mean of (z - z')² of outputs z and opinions z' (batch, 1); an amount is not sharpened by a temperature."""
        return self.criterion(outputs, opinions)


@dataclass(frozen=True)
class Multilabel:
    """Any of `outputs` labels an example; the loss is the mean over the labels of their binary cross-entropies, in nats.

    J = -1/L sum_l t_l log s(z_l) + (1 - t_l) log(1 - s(z_l)) with s(z) = 1 / (1 + exp(-z)): L logistic regressions that share
    the hidden layers. Bishop, Pattern Recognition and Machine Learning, 2006, eq. 5.23, which is the sum over the labels.
    """

    outputs: int
    name: ClassVar[str] = "multilabel"
    loss: ClassVar[str] = LOSSES["multilabel"]
    score: ClassVar[str] = "hamming_loss"
    gap: ClassVar[str] = "excess_hamming_loss"

    def targets(self, labels) -> Tensor:
        """The labels (n, labels), 1 where an example has one and else 0, as float32."""
        return torch.as_tensor(labels).float()

    def losses(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """The mean over the labels of the binary cross-entropy of each example, (batch,)."""
        return functional.binary_cross_entropy_with_logits(outputs, targets, reduction="none").mean(1)

    def criterion(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """The mean of the losses."""
        return functional.binary_cross_entropy_with_logits(outputs, targets)

    criteria = criteria_of_members

    def predictions(self, outputs: Tensor) -> Tensor:
        """The probability s(z) of each label, (batch, labels); they need not sum to one."""
        return outputs.sigmoid()

    def outputs_of(self, predictions: Tensor) -> Tensor:
        """Outputs log(p / (1 - p)) with these predictions, where a probability of 0 counts as 1e-38."""
        return predictions.clamp(min=TINY).log() - (1 - predictions).clamp(min=TINY).log()

    def value(self, predictions: Tensor, labels: Tensor) -> float:
        """The Hamming loss of predictions (..., n, labels) for labels (n, labels): the share of the decisions p > 1/2 that
        are wrong, over all examples and labels.
        """
        return share((predictions > 0.5) != (labels > 0.5))

    def measure(self, outputs: Tensor, targets: Tensor) -> dict[str, Tensor]:
        """What is measured on a batch in every epoch, the loss first."""
        wrong = (outputs > 0) != (targets > 0.5)
        return {"binary_cross_entropy": self.criterion(outputs, targets), "hamming_loss": wrong.double().mean()}

    def arithmetic_mean(self, outputs: Tensor) -> Tensor:
        """Outputs (batch, labels) whose predictions are the mean of those of outputs (members, batch, labels)."""
        return functional.logsigmoid(outputs).logsumexp(0) - functional.logsigmoid(-outputs).logsumexp(0)

    def geometric_mean(self, outputs: Tensor) -> Tensor:
        """The same of the geometric mean of each label and its absence, renormalised: the mean of the outputs."""
        return outputs.mean(0)

    def distances(self, predictions: Tensor) -> Tensor:
        """How far each two of predictions (members, n, labels) are apart: the share of the labels decided differently."""
        decided = predictions > 0.5
        return torch.stack([(each != decided).double().mean((1, 2)) for each in decided])

    @property
    def wrong_values(self) -> int:
        """How many other values a target could have: one, for a label is there or not."""
        return 1

    def symmetric_divergence(self, one: Tensor, other: Tensor) -> Tensor:
        """(KL(p, q) + KL(q, p))/2 of the predictions p and q of two outputs, (batch,): as in the loss, the mean over labels.

        Of a label it is (p - q)(log p/(1 - p) - log q/(1 - q))/2, the divergence of two Bernoulli distributions.
        """
        return ((one.sigmoid() - other.sigmoid()) * (one - other)).mean(1) / 2

    def consistency(self, outputs: Tensor, opinions: Tensor, temperature: float) -> Tensor:
        """As of classes, for the two values of each label: the mean over batch and labels, in nats."""
        return consistency(self.choices(outputs), self.choices(opinions), temperature)

    def choices(self, outputs: Tensor) -> Tensor:
        """The scores (0, z) of absence and presence of each label, (batch x labels, 2); their softmax is (1 - s(z), s(z))."""
        return torch.stack([torch.zeros_like(outputs), outputs], 2).flatten(0, 1)


Task = Classification | Regression | Multilabel

"""What is learned: classes or numbers, each with its targets, its loss and its predictions as functions of tensors.

Labels are as the data has them, targets (batch, outputs) as the loss takes them, outputs (batch, outputs) are what a network
gives, and predictions are what people read: class probabilities, or values in the unit of the labels.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn import functional

from reglab.core.losses import accuracy, cross_entropy, share


@dataclass(frozen=True)
class Classification:
    """One of `outputs` classes an example; the loss is the cross-entropy of softmax(outputs), in nats."""

    outputs: int
    name: ClassVar[str] = "classification"
    loss: ClassVar[str] = "nll"  # the metric that is the loss, in curves and records
    score: ClassVar[str] = "accuracy"  # the metric that `value` is
    gap: ClassVar[str] = "generalization_gap"  # the metric that is how much better it is in training
    curves: ClassVar[tuple[str, ...]] = ("nll", "accuracy")

    def targets(self, labels) -> Tensor:
        """One-hot rows (n, classes) float32 of the class numbers (n,)."""
        return functional.one_hot(torch.as_tensor(labels), self.outputs).float()

    def losses(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """-sum_c t_c log softmax(z)_c of each example, (batch,)."""
        return functional.cross_entropy(outputs, targets, reduction="none")

    def criterion(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """The mean of the losses."""
        return cross_entropy(outputs, targets)

    def predictions(self, outputs: Tensor) -> Tensor:
        """Class probabilities softmax(z), (batch, classes)."""
        return outputs.softmax(1)

    def outputs_of(self, predictions: Tensor) -> Tensor:
        """Outputs with these predictions: log-probabilities, where a probability of 0 counts as 1e-38."""
        return predictions.clamp(min=torch.finfo(torch.float32).tiny).log()

    def value(self, predictions: Tensor, labels: Tensor) -> float:
        """The accuracy of predictions (..., n, classes) for labels (n,): the share of classes that are right."""
        return share(predictions.argmax(-1) == labels)

    def measure(self, outputs: Tensor, targets: Tensor) -> dict[str, Tensor]:
        """The values of `curves` on a batch."""
        return {"nll": cross_entropy(outputs, targets), "accuracy": accuracy(outputs, targets)}


@dataclass(frozen=True)
class Regression:
    """A number an example; targets are t = (y - mean) / std, and the loss is the mean squared error of t.

    mean and std are those of the training labels, in their unit. Minimising the mean squared error is maximum likelihood
    with Gaussian noise of fixed variance: Bishop, Pattern Recognition and Machine Learning, 2006, section 3.1.1.
    """

    mean: float
    std: float
    name: ClassVar[str] = "regression"
    loss: ClassVar[str] = "rmse"
    score: ClassVar[str] = "rmse"
    gap: ClassVar[str] = "excess_rmse"
    curves: ClassVar[tuple[str, ...]] = ("rmse",)
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
        """The value of `curves` on a batch, in the unit of the labels."""
        return {"rmse": self.std * functional.mse_loss(outputs, targets).sqrt()}


Task = Classification | Regression

"""Batches cut from whole tensors that lie on the device, or read from the file of the prepared data one by one."""

from collections.abc import Iterator
from itertools import repeat
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import one_hot

from reglab.core import streams
from reglab.core.losses import weighted_mean
from reglab.data.stored_inputs import StoredInputs

PIECE = 2**18  # numbers of the inputs that are gathered at once


class Batch(NamedTuple):
    """Inputs (batch, *shape) float, targets (batch, outputs) float as the loss takes them, indices (batch,) into the part.

    Targets are distributions over classes, whose rows sum to one, standardized amounts (batch, 1), or the probability of each
    label (batch, labels), 0 or 1 unless a technique changes it. weights (batch,) say how much each example counts in the
    loss; None where all count alike.
    """

    inputs: Tensor
    targets: Tensor
    indices: Tensor
    weights: Tensor | None = None

    def mean(self, values: Tensor) -> Tensor:
        """The mean of values (batch,), by the weights of the examples."""
        return values.mean() if self.weights is None else weighted_mean(values, self.weights)


class StoredTensor:
    """Inputs (n, *shape) that stay in their file, as a tensor on `device` that can only be indexed, by examples."""

    def __init__(self, stored: StoredInputs, device: torch.device | str) -> None:
        self.stored, self.device, self.shape = stored, torch.device(device), torch.Size(stored.shape)

    def __len__(self) -> int:
        return len(self.stored)

    def __getitem__(self, index: Tensor | slice) -> Tensor:
        places = index.cpu().numpy() if isinstance(index, Tensor) else index
        return torch.from_numpy(self.stored[places]).to(self.device)


def tensor_of(inputs: np.ndarray | Tensor | StoredInputs, device: torch.device | str = "cpu") -> Tensor | StoredTensor:
    """Inputs on the device; those that stay in their file are a `StoredTensor`."""
    return StoredTensor(inputs, device) if isinstance(inputs, StoredInputs) else torch.as_tensor(inputs).to(device)


def in_memory(inputs: np.ndarray | Tensor | StoredInputs) -> np.ndarray | Tensor:
    """Inputs as they are, or read from their file as a whole."""
    return np.asarray(inputs) if isinstance(inputs, StoredInputs) else inputs


def without_labels(inputs, device: torch.device | str = "cpu") -> Batch:
    """All examples as one batch whose targets (n, 0) are empty; inputs that stay in their file are a `StoredTensor`."""
    inputs = tensor_of(inputs, device)
    return Batch(inputs, torch.zeros(len(inputs), 0, device=device), torch.arange(len(inputs), device=device))


def with_targets(inputs, targets: Tensor, device: torch.device | str = "cpu", weights=None) -> Batch:
    """All examples as one batch with these targets (n, outputs), and weights (n,) if there are some.

    Inputs that stay in their file are a `StoredTensor`.
    """
    weights = None if weights is None else torch.as_tensor(weights).to(device)
    return Batch(tensor_of(inputs, device), targets.to(device), torch.arange(len(targets), device=device), weights)


def whole(inputs, labels, classes: int, device: torch.device | str = "cpu") -> Batch:
    """All examples as one batch with one-hot targets; inputs that stay in their file are a `StoredTensor`."""
    return with_targets(inputs, one_hot(torch.as_tensor(labels), classes).float(), device)


class Loader:
    """Shuffled batches of `size`; the order is a function of (seed, epoch) alone.

    Lightning sets the epoch: it calls `set_epoch` of a loader's `sampler`, also after a resume.
    The last, smaller batch is kept.
    """

    def __init__(self, examples: Batch, size: int, seed: int) -> None:
        self.examples, self.size, self.seed, self.epoch = examples, size, seed, 0
        self.sampler = self

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch

    def __len__(self) -> int:
        return -(-len(self.examples.inputs) // self.size)

    def __iter__(self) -> Iterator[Batch]:
        for indices in self.order().split(self.size):
            yield self.rows(indices)

    def order(self) -> Tensor:
        """The examples in the order of the epoch."""
        random = streams.generator(self.seed, "batch_order", self.epoch)
        return torch.randperm(len(self.examples.inputs), generator=random).to(self.examples.inputs.device)

    def rows(self, indices: Tensor) -> Batch:
        weights = None if self.examples.weights is None else self.examples.weights[indices]
        return Batch(self.examples.inputs[indices], self.examples.targets[indices], indices, weights)

    def views(self) -> Iterator[Batch]:
        """The same batches as views of larger pieces, which takes fewer calls."""
        numbers = self.examples.inputs.shape[1:].numel()
        for indices in self.order().split(self.size * max(1, PIECE // max(1, self.size * numbers))):
            parts = (repeat(None) if part is None else part.split(self.size) for part in self.rows(indices))
            yield from map(Batch, *parts)


class Repeated(Loader):
    """Epochs of a fixed number of `steps`: random orders of the examples one after another, cut into batches.

    The orders are a function of (seed, `stream`, epoch), so that two loaders side by side draw different orders.
    """

    def __init__(self, examples: Batch, size: int, seed: int, steps: int, stream: str = "batch_order") -> None:
        super().__init__(examples, size, seed)
        self.steps, self.stream = steps, stream

    def __len__(self) -> int:
        return self.steps

    def __iter__(self) -> Iterator[Batch]:
        random, count = streams.generator(self.seed, self.stream, self.epoch), len(self.examples.indices)
        orders = [torch.randperm(count, generator=random) for _ in range(-(-self.steps * self.size // count))]
        order = torch.cat(orders)[: self.steps * self.size].to(self.examples.indices.device)
        for rows in order.split(self.size):
            yield type(self.examples)(*(part if part is None else part[rows] for part in self.examples))


class PairedBatch(NamedTuple):
    """A batch with labels, and one whose targets (batch, 0) are empty."""

    labelled: Batch
    unlabelled: Batch


class PairedLoader:
    """Two loaders side by side, as long as the first."""

    def __init__(self, labelled: Loader, unlabelled: Loader) -> None:
        self.labelled, self.unlabelled = labelled, unlabelled
        self.examples = labelled.examples
        self.sampler = self

    def set_epoch(self, epoch: int) -> None:
        self.labelled.set_epoch(epoch)
        self.unlabelled.set_epoch(epoch)

    def __len__(self) -> int:
        return len(self.labelled)

    def __iter__(self) -> Iterator[PairedBatch]:
        return map(PairedBatch, self.labelled, self.unlabelled)


class Whole:
    """All examples as the only batch."""

    def __init__(self, examples: Batch) -> None:
        self.examples = examples

    def __len__(self) -> int:
        return 1

    def __iter__(self) -> Iterator[Batch]:
        yield self.examples


class Pieces(Whole):
    """All examples in their order, in batches of `size`."""

    def __init__(self, examples: Batch, size: int) -> None:
        super().__init__(examples)
        self.size = size

    def __len__(self) -> int:
        return -(-len(self.examples.indices) // self.size)

    def __iter__(self) -> Iterator[Batch]:
        for start in range(0, len(self.examples.indices), self.size):
            yield Batch(*(part if part is None else part[start : start + self.size] for part in self.examples))

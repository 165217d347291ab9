"""Named random streams: a random number is a function of its keys, never of how many were drawn before it.

So two recipes that draw different amounts still share their splits, initializations and batch orders (comparisons are
paired by construction), and a training that was killed resumes with the same numbers that it would have drawn.
"""

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # a split needs `seed_of` alone, and importing torch takes seconds
    import torch
    from torch import Tensor


def seed_of(*keys: int | str) -> int:
    """A 32-bit seed for the stream with these keys: the head of the BLAKE2 digest of their representation."""
    return int.from_bytes(hashlib.blake2b(repr(keys).encode(), digest_size=4).digest(), "big")


def generator(*keys: int | str, device: "torch.device | str" = "cpu") -> "torch.Generator":
    """A fresh generator at the start of the stream with these keys."""
    import torch

    return torch.Generator(device).manual_seed(seed_of(*keys))


SOURCES = ("split", "initialization", "batch_order", "masks")  # what differs between two seeds of a recipe


@dataclass(frozen=True)
class Seeds:
    """The seed of each stream of a training apart from the split: initial weights, batch order, what techniques draw."""

    initialization: int
    batch_order: int
    masks: int


@dataclass(frozen=True)
class Moment:
    """The position of a training: its seed, epoch and step, which key the random numbers drawn there.

    `forward_pass` is empty in the pass that computes the loss; a further pass of the same step has the name that
    `Network.another_pass` gave it, and draws other numbers.
    """

    seed: int
    epoch: int
    step: int
    forward_pass: str = ""

    @property
    def first_pass(self) -> "Moment":
        """The pass of this step that computes the loss: for numbers that all passes of a step share."""
        return replace(self, forward_pass="")

    def generator(self, stream: str, device: "torch.device | str" = "cpu") -> "torch.Generator":
        """A generator for masks and noise, keyed by (seed, stream, step)."""
        return generator(self.seed, stream, self.step, *self._pass_key(), device=device)

    def uniform(self, stream: str, indices: "Tensor", draws: int, examples: int) -> "Tensor":
        """Uniform numbers (batch, draws) for augmentation, keyed by (seed, stream, epoch, example).

        An example gets the same numbers in any batch. All `examples` rows are drawn and those of
        `indices` kept: cheaper than one generator per example.
        """
        import torch

        rows = torch.rand(examples, draws, generator=generator(self.seed, stream, self.epoch, *self._pass_key()))
        return rows.to(indices.device)[indices]

    def _pass_key(self) -> tuple[str, ...]:
        """What a further pass adds to the keys; the first pass adds nothing."""
        return (self.forward_pass,) if self.forward_pass else ()

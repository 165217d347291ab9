"""Passes of a network over many examples, in pieces that fit into memory."""

from collections.abc import Iterator

from torch import Tensor
from torch.nn import Module

from reglab.data.loader import StoredTensor

PIECE = 2**22  # numbers of the inputs that enter a network at once
STORED_PIECE = 2**20  # of inputs that are not in memory


def pieces(inputs: Tensor | StoredTensor) -> Iterator[Tensor]:
    """The inputs (n, *shape) in their order, in as few pieces as have at most so many numbers each."""
    numbers = PIECE if isinstance(inputs, Tensor) else STORED_PIECE
    examples = max(1, numbers // max(1, inputs.shape[1:].numel()))
    for start in range(0, max(len(inputs), 1), examples):
        yield inputs[start : start + examples]


def outputs_on(network: Module, inputs: Tensor | StoredTensor) -> Tensor:
    """The outputs (n, outputs) of the network on all inputs."""
    outputs, done = None, 0
    for piece in pieces(inputs):
        of_piece = network(piece)
        if len(piece) == len(inputs):
            return of_piece
        if outputs is None:  # one array for all: small ones between the large ones of each pass would keep their memory
            outputs = of_piece.new_empty(len(inputs), *of_piece.shape[1:])
        outputs[done : done + len(piece)] = of_piece
        done += len(piece)
    return outputs

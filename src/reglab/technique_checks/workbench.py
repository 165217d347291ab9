"""A tiny data set, tiny networks, and trainings of a few steps, for the checks."""

import json
import math
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from torch import Tensor, nn

from reglab.attacks.base import evaluation_mode
from reglab.core.streams import generator
from reglab.data.loader import Batch, whole
from reglab.data.prepared import Split
from reglab.models.convnet import ConvNet
from reglab.models.mlp import MLP
from reglab.training.network import Architecture, Block, build
from reglab.training.one_seed import Recipe, finished_seed, train_seed
from reglab.training.regularizer import Regularizer
from reglab.training.settings import Training
from reglab.training.supervised import Supervised

SHAPE, CLASSES, EXAMPLES = (1, 8, 8), 3, 8
STEPS = Training(epochs=1, batch_size=EXAMPLES, optimizer="sgd", learning_rate=0.1)


@dataclass(frozen=True)
class Hyperbolic(Architecture):
    """A network as a user may write it: another unit, and no `width`."""

    def blocks(self, shape: Sequence[int]) -> list[Block]:
        return [Block(nn.Flatten(), nn.Linear(math.prod(shape), 6), nn.Tanh())]


PERCEPTRON = MLP(width=8, depth=2, residual=True)  # some techniques need a residual block
CONVOLUTIONAL, OWN = ConvNet(width=4, depth=2), Hyperbolic()
NORMALIZED = MLP(width=8, depth=2, normalization="batch", residual=True)


def examples(count: int = EXAMPLES, shape: Sequence[int] = SHAPE, classes: int = CLASSES) -> Batch:
    """Inputs (count, *shape) in [0, 1], many of them exactly 0 or 1, with one-hot targets (count, classes)."""
    drawn = torch.rand(count, *shape, generator=generator("technique_checks"))
    return whole((1.4 * drawn - 0.2).clamp(0, 1), torch.arange(count) % classes, classes)


class Steps(Supervised):
    """The learner of a training, taken one step at a time without Lightning's trainer."""

    def __init__(
        self,
        *techniques: Regularizer,
        architecture: Architecture = PERCEPTRON,
        shape: Sequence[int] = SHAPE,
        classes: int = CLASSES,
        dtype: torch.dtype = torch.float32,
        seed: int = 0,  # of the masks; initial weights are always those of seed 0
        first: int = 0,  # the number of the first step
        frozen: bool = False,  # whether the backbone is
    ) -> None:
        network = build(architecture, shape, classes, seed=0).to(dtype)
        network.backbone.requires_grad_(not frozen)
        self.taken = first
        super().__init__(network, techniques, STEPS, seed)
        self.optimizer = self.configure_optimizers()
        inputs, targets, indices, _ = examples(shape=shape, classes=classes)
        self.prepare_training(Batch(inputs.to(dtype), targets.to(dtype), indices))

    @property
    def is_last_step_of_epoch(self) -> bool:
        return True  # a batch is all examples

    @property
    def global_step(self) -> int:
        return self.taken

    @property
    def current_epoch(self) -> int:
        return 0

    def take(self, *batches: Batch) -> "Steps":
        """A step on each of the batches."""
        for batch in batches:

            def closure(batch: Batch = batch) -> Tensor:
                self.optimizer.zero_grad()
                loss = self.training_step(batch)
                loss.backward()
                self.on_before_optimizer_step(self.optimizer)
                return loss

            self.optimizer_step(0, self.taken, self.optimizer, closure)
            self.taken += 1
        return self

    @torch.no_grad()
    def predicted(self, inputs: Tensor) -> Tensor:
        """Scores (n, classes) of the evaluated network, as validation and test use them."""
        with evaluation_mode(self.network):
            return self.eval_network().eval()(inputs)

    def bits(self) -> dict[str, Tensor]:
        """The results of the steps: the state of the network and its predictions."""
        state = {name: value.clone() for name, value in self.network.state_dict().items()}
        return state | {"predictions": self.predicted(examples().inputs.to(self.network.head.weight.dtype))}


def stepped(*techniques: Regularizer, steps: int = 2, **how) -> Steps:
    """A learner after so many steps on the examples; `how` as for `Steps`."""
    batch = examples(shape=how.get("shape", SHAPE), classes=how.get("classes", CLASSES))
    batch = Batch(*(part.to(how.get("dtype", torch.float32)) for part in batch[:2]), batch.indices)
    return Steps(*techniques, **how).take(*[batch] * steps)


def difference(one: dict[str, Tensor], other: dict[str, Tensor]) -> str:
    """The names at which two results differ by any bit, "" for none; only those that both have."""
    return ", ".join(name for name in one if name in other and not torch.equal(one[name], other[name]))


def parts() -> Split:
    """Twelve labelled examples, so that a batch of five leaves two at the end, and eight of every other part."""
    sizes = {"labelled": 12, "unlabelled": 8, "validation": 8, "test": 8}
    batches = {part: examples(size) for part, size in sizes.items()}
    return Split(
        {part: batch.inputs.numpy() for part, batch in batches.items()},
        {part: batch.targets.argmax(1).numpy() for part, batch in batches.items()},
        {part: batch.indices.numpy() for part, batch in batches.items()},
        classes=CLASSES,
    )


class Interrupted(Exception):
    """A training was ended from outside."""


class Interruption(Regularizer):
    """Ends a training at the beginning of an epoch, as a kill would."""

    def __init__(self, epoch: int) -> None:
        self.epoch = epoch

    def callbacks(self) -> list:
        from pytorch_lightning import Callback

        class Interrupt(Callback):
            def on_train_epoch_start(_, trainer, learner) -> None:
                if trainer.current_epoch == self.epoch:
                    raise Interrupted

        return [Interrupt()]


def recipe(*techniques: Regularizer, **training) -> Recipe:
    """A training of two epochs of three steps; `training` as in the section of params.yaml."""
    settings = {"epochs": 2, "batch_size": 5, "optimizer": "sgd", "learning_rate": 0.1, "momentum": 0.5} | training
    return Recipe(techniques, PERCEPTRON, Training(**settings))


def trained(
    *techniques: Regularizer, interrupt: int | None = None, **training
) -> tuple[dict, dict[str, Tensor], list[dict]]:
    """The outcome, the tensors and the learning curves of a training by Lightning; interrupted once if asked for."""
    with TemporaryDirectory(prefix="reglab-check-") as name:
        folder = Path(name)
        if interrupt is not None:
            with suppress(Interrupted):
                train_seed(recipe(*techniques, Interruption(interrupt), **training), parts(), 0, folder, every=0.0)
        train_seed(recipe(*techniques, **training), parts(), 0, folder, every=0.0)
        outcome, arrays = finished_seed(folder, 0)
        lines = [json.loads(line) for line in (folder / "seed-0.jsonl").read_text("utf-8").splitlines()]
    tensors = {key: torch.as_tensor(values) for key, values in arrays.items()}
    return outcome, tensors, [{"epoch": line["epoch"], **line["metrics"]} for line in lines]

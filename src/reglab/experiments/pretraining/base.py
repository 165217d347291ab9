"""The base of pretexts: a task without labels of the target task, its learner, and probes of its representation."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, NamedTuple

import numpy as np
import torch
from annotated_types import Ge, Gt, Le
from matplotlib.figure import Figure
from torch import Tensor, nn

from reglab.core import streams
from reglab.data import prepared
from reglab.data.augmentation.policy import Policy
from reglab.data.augmentation.variation import Variation
from reglab.data.loader import Batch, Loader, Pieces, StoredTensor, Whole, in_memory, tensor_of, without_labels
from reglab.data.prepared import Split
from reglab.data.stored_inputs import StoredInputs, examples_at, joined
from reglab.experiments.pretraining.probes import Probed, linear_probe, neighbour_probe
from reglab.training.learner import Learner, device_of
from reglab.training.network import Architecture, Network, build
from reglab.training.passes import outputs_on
from reglab.training.settings import Training

PROBE_EVERY = 5  # epochs
PIECE = 512  # held-out examples that stay in their file, on which a pretext is measured at once
PROBED = 10_000  # examples of a part that stays in its file on which probes are fitted or scored


class Setting(NamedTuple):
    """The settings that pretexts on the study's data share: the network, the augmentation, the device."""

    architecture: Architecture
    policy: Policy
    accelerator: str = "cpu"


class Task(NamedTuple):
    """A pretext prepared for a seed: the learner, its training examples, held-out examples, and the probes.

    `validation` and `test` measure the pretext itself, `probes` (validation, test) the quality of its representation.
    """

    learner: "PretextLearner"
    training: Any
    validation: Any
    test: Any
    probes: tuple[Probed, Probed]


class Pretext:
    """A frozen dataclass whose fields are its entry under `pretraining:` in params.yaml.

    `source` names the folder under data/ that it learns from: the data of the study, `scenes` or `text`. A subclass
    gives the task.
    """

    needs: ClassVar[tuple] = ()  # of the study's data, as in `experiments.applicability`
    transferable: ClassVar[bool] = True  # whether `transfer` may start from its network

    source: Literal["study", "scenes", "text"]
    epochs: int
    batch_size: int
    learning_rate: float
    search: dict[str, tuple] | None = None  # by setting its range, as in `tuned`; None: nothing is tuned

    def read(self, folder: Path) -> Any:
        """Read the prepared source: a name, a fingerprint, and a split for each seed."""
        return prepared.read(folder / self.source)

    def training(self, accelerator: str) -> Training:
        return Training(
            epochs=self.epochs, batch_size=self.batch_size, learning_rate=self.learning_rate, accelerator=accelerator
        )

    def task(self, source: Any, study: Split, setting: Setting, seed: int) -> Task:
        """`source` is a seed's split of the data that the entry names, `study` that of the study."""
        raise NotImplementedError

    def picture(self, task: Task) -> Figure:
        """Draw what was learned, on validation examples."""
        raise NotImplementedError


class PretextLearner(Learner):
    """A learner whose representation is probed every few epochs. A subclass has `training_step` and `metrics`."""

    def __init__(self, network: nn.Module, training: Training, vary: "Variation", seed: int) -> None:
        super().__init__(network, training, seed)
        self.vary = vary
        self.probe: Probed | None = None

    def features(self, inputs: Tensor) -> Tensor:
        """The representation (n, d)."""
        return self.network.backbone(inputs).flatten(1)

    def features_of(self, inputs: Tensor | StoredTensor) -> Tensor:
        """The representation (n, d), in one pass, or in pieces where the inputs are not in memory."""
        return outputs_on(self.features, inputs) if isinstance(inputs, StoredTensor) else self.features(inputs)

    def metrics(self, batch: Any) -> dict[str, Tensor]:
        """`loss` on a batch and, where the pretext is a classification, `accuracy` and the accuracy of guessing, `chance`.

        Deterministic for given weights.
        """
        raise NotImplementedError

    def validation_step(self, batch: Any, batch_index: int, dataloader_idx: int = 0) -> None:
        measured = {f"validation_{name}": value for name, value in self.metrics(batch).items()}
        self.accumulate_validation(measured, len(batch.indices))

    def probed(self, probe: Probed) -> dict[str, float]:
        """The scores of both probes."""
        training = self.network.training
        self.network.eval()
        with torch.no_grad():
            features, held_out = self.features_of(probe.inputs), self.features_of(probe.held_out_inputs)
        self.network.train(training)
        return {
            "linear_probe": linear_probe(features, probe.labels, held_out, probe.held_out_labels),
            "neighbour_probe": neighbour_probe(features, probe.labels, held_out, probe.held_out_labels),
        }

    def curves(self) -> dict[str, float]:
        curves = super().curves()
        if self.probe and (
            self.current_epoch % PROBE_EVERY == 0 or self.current_epoch == self.training_settings.epochs - 1
        ):
            curves |= {f"validation_{name}": value for name, value in self.probed(self.probe).items()}
        return curves


@dataclass(frozen=True)
class ImagePretext(Pretext):
    """A pretext on images or rows of a table, learned by the backbone of the target task, without labels.

    A subclass gives the learner and the `head`, and may override the examples.
    """

    source: Literal["study", "scenes"] = "study"
    epochs: Annotated[int, Ge(1), Le(100_000)] = 20
    batch_size: Annotated[int, Ge(2), Le(65_536)] = 128
    learning_rate: Annotated[float, Gt(0)] = 0.002
    search: dict[str, tuple] | None = field(default=None, metadata={"optional": True}, kw_only=True)

    def head(self, features: int, shape: Sequence[int]) -> nn.Module:
        """The head on the backbone's features for the pretext."""
        raise NotImplementedError

    def learner(self, network: Network, training: Training, vary: Variation, seed: int) -> PretextLearner:
        raise NotImplementedError

    def examples(self, source: Split, shape: Sequence[int], device: str) -> tuple[Batch, Batch, Batch]:
        """Training, validation and test examples without labels; images of another source are converted to the shape."""
        parts = (("labelled", "unlabelled"), ("validation",), ("test",))
        return tuple(without_labels(images_of(source, *names, shape=shape), device) for names in parts)

    def task(self, source: Split, study: Split, setting: Setting, seed: int) -> Task:
        device, shape = device_of(setting.accelerator), study.shape
        network = build(setting.architecture, shape, study.task, seed)
        features = network.head.in_features
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(streams.seed_of(seed, "pretext_head"))
            network.head = self.head(features, shape)
        training, validation, test = self.examples(source, shape, device)
        network.spread = source.spread
        vary = Variation(setting.policy, len(training.indices), source.spread)
        learner = self.learner(network.to(device), self.training(setting.accelerator), vary, seed)
        fitted, *held_out = (probed_part(study, part, device) for part in ("labelled", "validation", "test"))
        probes = tuple(Probed(*fitted, *part) for part in held_out)
        learner.probe = probes[0]
        return Task(learner, Loader(training, self.batch_size, seed), validation, test, probes)


def batches_of(examples: Any) -> Whole:
    """Held-out examples as the only batch; those that stay in their file in pieces."""
    return Pieces(examples, PIECE) if isinstance(examples.inputs, StoredTensor) else Whole(examples)


def probed_part(study: Split, part: str, device: str) -> tuple[Tensor | StoredTensor, Tensor]:
    """Inputs and labels of a part; of one that stays in its file at most PROBED examples, evenly spread over it."""
    inputs, labels = study.inputs[part], study.labels[part]
    if isinstance(inputs, StoredInputs) and len(inputs) > PROBED:
        places = np.arange(PROBED) * len(inputs) // PROBED
        inputs, labels = examples_at(inputs, places), labels[places]
    return tensor_of(inputs, device), torch.as_tensor(labels).to(device)


def images_of(split: Split, *parts: str, shape: Sequence[int]) -> Tensor | StoredInputs:
    """The inputs of these parts, one after the other, converted to the shape; those in their file that have it stay there."""
    inputs = [split.inputs[part] for part in parts]
    if all(isinstance(part, StoredInputs) and part.size == tuple(shape) for part in inputs):
        return joined(inputs)
    tensors = [torch.as_tensor(in_memory(part)) for part in inputs]
    return convert_images(tensors[0] if len(tensors) == 1 else torch.cat(tensors), shape)


def convert_images(images: Tensor, shape: Sequence[int]) -> Tensor:
    """Images (n, channels, height, width) with other channels and another size: the mean of channels, averages of areas."""
    if images.shape[1] != shape[0]:
        images = images.mean(1, keepdim=True).expand(-1, shape[0], -1, -1)
    if images.shape[2:] != tuple(shape[1:]):
        images = nn.functional.adaptive_avg_pool2d(images, tuple(shape[1:]))
    return images.contiguous()

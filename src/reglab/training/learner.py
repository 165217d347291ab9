"""The base of every training: keyed randomness, the optimizer, the epoch's means, and an error when the loss diverges."""

from collections.abc import Iterable, Mapping
from math import isfinite

import torch
from pytorch_lightning import LightningModule
from torch import Tensor, nn

from reglab.core.streams import Moment
from reglab.core.tasks import Task
from reglab.data.loader import Batch
from reglab.training.adam import Adam
from reglab.training.passes import outputs_on
from reglab.training.penalties import norm
from reglab.training.weights import weights

PARTS = ("validation", "train")  # that are measured after every epoch, or the first of them alone


class Diverged(ArithmeticError):
    """The loss became NaN or infinite."""


def device_of(accelerator: str) -> str:
    """The device of all tensors for the `accelerator` of params.yaml.

    GPUs are counted without a start of CUDA, after which no process that is forked from this one could use them.
    """
    return "cuda" if accelerator == "gpu" or (accelerator == "auto" and torch.cuda.device_count()) else "cpu"


def optimizer_of(parameters: Iterable[nn.Parameter], training) -> torch.optim.Optimizer:
    """The optimizer that the section `training` of params.yaml asks for."""
    if training.optimizer == "sgd":
        return torch.optim.SGD(
            parameters, training.learning_rate, momentum=training.momentum, nesterov=training.nesterov
        )
    return Adam(parameters, training.learning_rate)


class Learner(LightningModule):
    """A subclass defines in `training_step` what is minimised, and in `validation_step` what is measured.

    `network` holds all that is learned; `training` has `optimizer`, `learning_rate`, `momentum` and `nesterov`; `seed` keys
    all random numbers. `chosen_epoch` is set when the returned weights are not those of the last epoch.
    """

    def __init__(self, network: nn.Module, training, seed: int) -> None:
        super().__init__()
        self.network, self.training_settings, self.seed = network, training, seed
        self.chosen_epoch: int | None = None
        self.start = [weight.detach().clone() for weight in weights(network).values()]
        self.sums: dict[str, Tensor] = {}
        self.steps = 0
        self.validation_sums: dict[str, tuple[Tensor, int]] = {}

    @property
    def moment(self) -> Moment:
        """The position of the training, which keys all random numbers drawn now."""
        return Moment(self.seed, self.current_epoch, self.global_step)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return optimizer_of(self.network.parameters(), self.training_settings)

    def transfer_batch_to_device(self, batch, device: torch.device, dataloader_idx: int):
        return batch  # loaders cut it from examples that are on the device already

    def accumulate(self, loss: Tensor, **terms: Tensor) -> Tensor:
        """Add the loss and its terms to the epoch's sums, on the device; returns the loss; Diverged if it is not finite."""
        if not isfinite(value := loss.item()):
            raise Diverged(f"the loss became {value} in epoch {self.current_epoch}, step {self.global_step}")
        for key, term in {"loss": loss, **terms}.items():
            self.sums[key] = self.sums.get(key, 0) + term.detach()
        self.steps += 1
        return loss

    def accumulate_validation(self, measured: Mapping[str, Tensor | float], examples: int) -> None:
        """Add what was measured on a batch of a validation loader to the epoch's means over examples, on the device."""
        for name, value in measured.items():
            total, seen = self.validation_sums.get(name, (0, 0))
            self.validation_sums[name] = total + torch.as_tensor(value) * examples, seen + examples

    def on_validation_epoch_end(self) -> None:
        """Hand the means to the callbacks; resets the sums."""
        means = {name: total / seen for name, (total, seen) in self.validation_sums.items()}
        self.trainer.callback_metrics.update(means)
        self.validation_sums = {}

    def eval_network(self) -> nn.Module:
        """The network that validation, test and all measurements use, or a module that holds one."""
        return self.network

    @torch.no_grad()
    def extent(self) -> dict[str, float]:
        """Norm of the evaluated network's weights, and their distance from the initial weights."""
        now = list(weights(self.eval_network()).values())
        away = [weight - start.to(weight.device) for weight, start in zip(now, self.start, strict=True)]
        return {"weight_norm": norm(now).item(), "distance_from_start": norm(away).item()}

    def curves(self) -> dict[str, float]:
        """The epoch's mean terms and the extent of the evaluated network; resets the sums."""
        means = {key: (total / self.steps).item() for key, total in self.sums.items()}
        self.sums, self.steps = {}, 0
        return means | self.extent()


class TaskLearner(Learner):
    """A learner of a task of `core.tasks`, validated on batches of the PARTS with targets."""

    task: Task

    def validation_step(self, batch: Batch, batch_index: int, dataloader_idx: int = 0) -> None:
        outputs, part = outputs_on(self.eval_network(), batch.inputs), PARTS[dataloader_idx]
        measured = {f"{part}_{name}": value for name, value in self.task.measure(outputs, batch.targets).items()}
        self.accumulate_validation(measured, len(batch.inputs))

"""Classification with labels, bent by regularizers."""

from collections.abc import Sequence

import torch
from pytorch_lightning import LightningModule
from torch import Tensor, nn

from reglab.data.loader import Batch
from reglab.losses import accuracy, cross_entropy
from reglab.models.base import Network
from reglab.models.parameters import weights
from reglab.penalties import norm
from reglab.regularizers.base import Regularizer, name
from reglab.streams import Moment

PARTS = ("train", "validation")


class Diverged(ArithmeticError):
    """The loss became NaN or infinite."""


class Supervised(LightningModule):
    """Minimises the cross-entropy of the network's scores plus what the regularizers add.

    `training` is the section of params.yaml; `seed` keys all random numbers. `chosen_epoch` is set when the returned
    weights are not those of the last epoch.
    """

    def __init__(self, network: Network, regularizers: Sequence[Regularizer], training, seed: int) -> None:
        super().__init__()
        self.network, self.regularizers, self.training_settings, self.seed = network, regularizers, training, seed
        self.chosen_epoch: int | None = None
        self.start = [weight.detach().clone() for weight in weights(network).values()]
        self.sums: dict[str, Tensor] = {}
        self.steps = 0
        network.moment = Moment(seed, epoch=0, step=0)
        for regularizer in regularizers:
            regularizer.prepare_model(network)

    def training_step(self, batch: Batch, batch_index: int = 0) -> Tensor:
        self.network.moment = Moment(self.seed, self.current_epoch, self.global_step)
        for regularizer in self.regularizers:
            batch = regularizer.transform_batch(batch, self.network)
        logits = self.network(batch.inputs)
        penalties = {
            f"{name(regularizer)}_penalty": penalty
            for regularizer in self.regularizers
            if (penalty := regularizer.penalty(self.network, batch, logits)) is not None
        }
        loss = sum(penalties.values(), start=cross_entropy(logits, batch.targets))
        if not loss.isfinite():
            raise Diverged(f"the loss became {loss.item()} in epoch {self.current_epoch}, step {self.global_step}")
        self.tally(loss=loss, **penalties)
        return loss

    def on_before_optimizer_step(self, optimizer: torch.optim.Optimizer) -> None:
        for regularizer in self.regularizers:
            regularizer.transform_gradients(self.network)

    def optimizer_step(self, epoch: int, batch_index: int, optimizer, closure=None) -> None:
        super().optimizer_step(epoch, batch_index, optimizer, closure)
        for regularizer in self.regularizers:
            regularizer.after_step(self.network, optimizer.param_groups[0]["lr"])

    def judged(self) -> nn.Module:
        """What validation and test see."""
        network = self.network
        for regularizer in self.regularizers:
            network = regularizer.evaluation_model(network)
        return network

    def validation_step(self, batch: Batch, batch_index: int, dataloader_idx: int = 0) -> None:
        logits, part = self.judged()(batch.inputs), PARTS[dataloader_idx]
        measured = {
            f"{part}_nll": cross_entropy(logits, batch.targets),
            f"{part}_accuracy": accuracy(logits, batch.targets),
        }
        self.log_dict(measured, add_dataloader_idx=False, batch_size=len(batch.inputs))

    def configure_optimizers(self) -> torch.optim.Optimizer:
        rate = self.training_settings.learning_rate
        if self.training_settings.optimizer == "sgd":
            return torch.optim.SGD(self.network.parameters(), rate, momentum=self.training_settings.momentum)
        return torch.optim.Adam(self.network.parameters(), rate, fused=True)

    def tally(self, **terms: Tensor) -> None:
        """Add a step's terms to the epoch's sums, which stay on the device."""
        self.sums = {key: self.sums.get(key, 0) + term.detach() for key, term in terms.items()}
        self.steps += 1

    @torch.no_grad()
    def curves(self) -> dict[str, float]:
        """The epoch's mean terms, norm of the weights, distance from the start, and what techniques add; starts afresh."""
        now = list(weights(self.network).values())
        away = [weight - start.to(weight.device) for weight, start in zip(now, self.start, strict=True)]
        means = {key: (total / self.steps).item() for key, total in self.sums.items()}
        self.sums, self.steps = {}, 0
        curves = means | {"weight_norm": norm(now).item(), "distance_from_start": norm(away).item()}
        for regularizer in self.regularizers:
            curves |= regularizer.curves(self.network)
        return curves

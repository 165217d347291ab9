"""The base of methods that learn one or both tasks on scenes, their learner, and the metrics.

network = entry.network(shape, classes, seed)              # a trunk and a head for each task
for batch in loader:
    losses = task_losses(network(batch.inputs), batch)     # one for each task
    loss, terms = entry.objective(network, losses)         # the entry combines them
    loss.backward()
    optimizer.step()
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional
from torchmetrics.functional.classification import multiclass_stat_scores
from torchmetrics.functional.regression import mean_absolute_error, mean_squared_error

from reglab.experiments.multitask.encoder_decoder import build_dense
from reglab.training.adam import Adam
from reglab.training.learner import Learner

TASKS = ("segmentation", "depth")


class SceneBatch(NamedTuple):
    """Images (batch, 3, s, s) float in [0, 1], masks (batch, s, s) int64, depth (batch, s, s) in [0, 1], indices (batch,)."""

    inputs: Tensor
    masks: Tensor
    depth: Tensor
    indices: Tensor


def whole(inputs, masks, depth, device: torch.device | str = "cpu") -> SceneBatch:
    """All scenes as one batch, the images with their channels last, as the network has its kernels."""
    images, masks, depth = (torch.as_tensor(part, device=device) for part in (inputs, masks, depth))
    images = images.contiguous(memory_format=torch.channels_last)
    return SceneBatch(images, masks.long(), depth, torch.arange(len(images), device=device))


def task_losses(predicted: Mapping[str, Tensor], batch: SceneBatch) -> dict[str, Tensor]:
    """Means over all pixels, of the tasks that are predicted: cross-entropy in nats, and absolute error of the depth.

    The absolute error is tolerant of the jumps at the edges of solids, which a blurred prediction cannot follow.
    """
    losses = {}
    if "segmentation" in predicted:
        losses["segmentation"] = functional.cross_entropy(predicted["segmentation"], batch.masks)
    if "depth" in predicted:
        losses["depth"] = functional.l1_loss(predicted["depth"][:, 0], batch.depth)
    return losses


def task_metrics(predicted: Mapping[str, Tensor], masks: Tensor, depth: Tensor, classes: int) -> dict[str, float]:
    """Metrics of the predicted tasks: `iou`, over all pixels, mean over background and classes; `depth_rmse`, `depth_mae`.

    predicted: segmentation scores (n, 1 + classes, s, s) and depth (n, 1, s, s); masks, depth (n, s, s).
    """
    metrics = {}
    if "segmentation" in predicted:
        classified = predicted["segmentation"].argmax(1)
        metrics["iou"] = overlap(classified, masks, 1 + classes)
    if "depth" in predicted:
        away = predicted["depth"][:, 0].flatten().double(), depth.flatten().double()
        metrics["depth_rmse"] = mean_squared_error(*away, squared=False).item()
        metrics["depth_mae"] = mean_absolute_error(*away).item()
    return metrics


def overlap(seen: Tensor, masks: Tensor, labels: int) -> float:
    """Intersection over union, the mean over those of the `labels` that are there: |seen = c and true = c| / |either = c|.

    From torchmetrics' counts in double precision, so that equal counts are equal scores; its own `multiclass_jaccard_index`
    divides them in single. seen, masks: (n, s, s) in 0..labels-1.
    Jaccard, "The distribution of the flora in the alpine zone", 1912.
    """
    scores = multiclass_stat_scores(seen, masks, labels, average="none", validate_args=False)
    both, false, _, missed, _ = scores.double().unbind(1)
    either = both + false + missed
    return (both[either > 0] / either[either > 0]).mean().item()


class Multitask:
    """A frozen dataclass whose fields are its entry under `multitask:` in params.yaml; `tasks` says what it predicts."""

    lecture: ClassVar[str] = "multitask"  # the section of the report's chapter that shows it
    tasks: ClassVar[tuple[str, ...]] = TASKS

    def maps(self, classes: int) -> dict[str, int]:
        """The number of maps that each task predicts: a score for background and each class, or a depth."""
        return {task: {"segmentation": 1 + classes, "depth": 1}[task] for task in self.tasks}

    def network(self, shape: Sequence[int], classes: int, seed: int) -> nn.Module:
        """Maps by task of images of this shape (channels, height, width), before the first step."""
        return build_dense(shape[0], self.maps(classes), seed)

    def objective(self, network: nn.Module, losses: Mapping[str, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
        """The loss that is minimised, and further terms for the learning curves."""
        return sum(losses.values()), {}

    def groups(self, network: nn.Module) -> list[dict]:
        """The optimizer's groups of parameters; one that does not say its learning rate has that of the training."""
        return [{"params": [*network.parameters()]}]

    def learner(self, shape: Sequence[int], classes: int, seed: int, training) -> "MultitaskLearner":
        """The learner: `training` has the `learning_rate`; `classes` do not count the background."""
        return MultitaskLearner(self, self.network(shape, classes, seed), classes, training, seed)


class MultitaskLearner(Learner):
    """Minimises the entry's objective with Adam, whose learning rate decays linearly to zero."""

    def __init__(self, entry: Multitask, network: nn.Module, classes: int, training, seed: int) -> None:
        super().__init__(network, training, seed)
        self.entry, self.classes = entry, classes

    def configure_optimizers(self) -> dict:
        optimizer = Adam(self.entry.groups(self.network), self.training_settings.learning_rate)
        steps = self.trainer.estimated_stepping_batches
        linear_decay = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1 - step / steps)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": linear_decay, "interval": "step"}}

    def training_step(self, batch: SceneBatch, batch_index: int = 0) -> Tensor:
        losses = task_losses(self.network(batch.inputs), batch)
        loss, terms = self.entry.objective(self.network, losses)
        return self.accumulate(loss, **{f"{task}_loss": value for task, value in losses.items()}, **terms)

    def validation_step(self, batch: SceneBatch, batch_index: int, dataloader_idx: int = 0) -> None:
        predicted = self.network(batch.inputs)
        loss, _ = self.entry.objective(self.network, task_losses(predicted, batch))
        measured = task_metrics(predicted, batch.masks, batch.depth, self.classes) | {"loss": loss}
        measured = {f"validation_{name}": value for name, value in measured.items()}
        self.accumulate_validation(measured, len(batch.indices))

    @torch.no_grad()
    def predict(self, images: Tensor) -> dict[str, Tensor]:
        """Segmentation scores (n, 1 + classes, s, s) and depth (n, 1, s, s) of images (n, 3, s, s), of the tasks learned."""
        training = self.network.training
        predicted = self.network.eval()(images)
        self.network.train(training)
        return predicted

"""Learning with labels and regularizers."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from reglab.core.losses import weighted_mean
from reglab.core.streams import Moment
from reglab.data.loader import Batch
from reglab.training.learner import TaskLearner
from reglab.training.network import Network
from reglab.training.passes import outputs_on
from reglab.training.regularizer import Regularizer, name
from reglab.training.schedule import factor


class Supervised(TaskLearner):
    """Minimises the loss of the network's task plus the penalties of the regularizers.

    The loss of a batch is the mean over its examples, or where these have weights sum_i w_i l_i / sum_i w_i
    (`core.losses.weighted_mean`, with its source).

    `training` is the section of params.yaml. Before each step the learning rate is set to that of its schedule, if there is
    one, and techniques receive it in `after_step`.
    """

    def __init__(self, network: Network, regularizers: Sequence[Regularizer], training, seed: int) -> None:
        super().__init__(network, training, seed)
        self.regularizers, self.task = regularizers, network.task
        network.moment = Moment(seed, epoch=0, step=0)
        for regularizer in regularizers:
            regularizer.prepare_model(network)
        self.weights: Tensor | None = None  # of the examples in the batch of this step
        self.criterion = self.mean_loss
        for regularizer in regularizers:
            self.criterion = regularizer.transform_criterion(self.criterion, network)

    @property
    def has_plain_loss(self) -> bool:
        """Whether the loss of a batch without weights is the criterion of the task, which no technique replaces."""
        return self.criterion == self.mean_loss

    def mean_loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """The loss of the task on the batch of this step, by the weights of its examples."""
        if self.weights is None:
            return self.task.criterion(outputs, targets)
        return weighted_mean(self.task.losses(outputs, targets), self.weights)

    def on_train_start(self) -> None:
        self.prepare_training(self.trainer.train_dataloader.examples)

    def prepare_training(self, examples: Batch) -> None:
        """Show the techniques all labelled training examples."""
        self.examples = examples
        for regularizer in self.regularizers:
            regularizer.prepare_training(self.network, examples)

    def training_step(self, batch: Batch, batch_index: int = 0) -> Tensor:
        batch = self.transformed(batch, self.moment)
        return self.objective(self.network(batch.inputs), batch)

    def transformed(self, batch: Batch, moment: Moment) -> Batch:
        """The batch of the step that begins at this moment, as the techniques change it."""
        self.network.moment = moment
        for regularizer in self.regularizers:
            batch = regularizer.transform_batch(batch, self.network)
        return batch

    def objective(self, logits: Tensor, batch: Batch, loss: Tensor | None = None) -> Tensor:
        """What the step minimises, from the outputs of the network for the transformed batch and, if known, their loss."""
        if batch.weights is not self.weights:  # to set an attribute of a module takes longer than to compare
            self.weights = batch.weights
        if loss is None:
            loss = self.criterion(logits, batch.targets)
        for regularizer in self.regularizers:
            loss = regularizer.transform_loss(loss, self.network, batch, self.criterion)
        penalties = {
            f"{name(regularizer)}_penalty": penalty
            for regularizer in self.regularizers
            if (penalty := regularizer.penalty(self.network, batch, logits)) is not None
        }
        return self.accumulate(sum(penalties.values(), start=loss), **penalties)

    def on_before_optimizer_step(self, optimizer: torch.optim.Optimizer) -> None:
        for regularizer in self.regularizers:
            regularizer.transform_gradients(self.network)

    @property
    def steps_of_epoch(self) -> int:
        """The number of training steps in an epoch."""
        return self.trainer.num_training_batches

    def scheduled_rate(self) -> float:
        """The learning rate of the step that comes next."""
        settings = self.training_settings
        steps, warmup = (round(epochs * self.steps_of_epoch) for epochs in (settings.epochs, settings.warmup_epochs))
        return settings.learning_rate * factor(settings.schedule, self.global_step, steps, warmup)

    def set_learning_rate(self, group: dict) -> None:
        """Set the learning rate of the optimizer's group to that of its schedule, if there is one."""
        if self.training_settings.scheduled:
            group["lr"] = self.scheduled_rate()

    def optimizer_step(self, epoch: int, batch_index: int, optimizer, closure=None) -> None:
        for group in optimizer.param_groups:  # a method's own weights, such as a decoder's, are a group of their own
            self.set_learning_rate(group)
        super().optimizer_step(epoch, batch_index, optimizer, closure)
        self.after_optimizer_step(optimizer.param_groups[0]["lr"])

    def after_optimizer_step(self, learning_rate: float) -> None:
        """Let the techniques act on the weights after a step, and after the last one of an epoch."""
        for regularizer in self.regularizers:
            regularizer.after_step(self.network, learning_rate)
        if self.is_last_step_of_epoch:
            progress = (self.current_epoch + 1) / self.training_settings.epochs
            for regularizer in self.regularizers:
                regularizer.after_epoch(self.network, self.examples, progress)

    @property
    def is_last_step_of_epoch(self) -> bool:
        return self.trainer.is_last_batch

    @torch.no_grad()
    def after_training(self, validation: Batch) -> None:
        """Let each technique fit what is no weight on validation examples, as the networks before it predict them."""
        for regularizer in self.regularizers:
            network = self.eval_network().eval().to(validation.inputs.device)
            regularizer.after_training(self.published_network(), validation, outputs_on(network, validation.inputs))

    def published_network(self) -> nn.Module:
        """The network whose weights are published; the techniques make the evaluated one from it."""
        return self.network

    def eval_network(self) -> nn.Module:
        network = self.published_network()
        for regularizer in self.regularizers:
            network = regularizer.evaluation_model(network)
        return network

    def curves(self) -> dict[str, float]:
        """The curves of every learner, and those that techniques add."""
        curves = super().curves()
        with torch.no_grad():
            for regularizer in self.regularizers:
                curves |= regularizer.curves(self.network)
        return curves

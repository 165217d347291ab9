"""The hooks by which a regularizer acts on a training, in calling order.

    for r in regularizers: r.prepare_model(network)
    criterion, optimizer = network.task.criterion, Adam(network.parameters())
    for r in regularizers: criterion = r.transform_criterion(criterion, network)
    for r in regularizers: r.prepare_training(network, examples)
    for epoch in range(epochs):                                # `callbacks` may end this loop
        for batch in loader:
            for r in regularizers: batch = r.transform_batch(batch, network)
            logits = network(batch.inputs)
            loss = criterion(logits, batch.targets)
            for r in regularizers: loss = r.transform_loss(loss, network, batch, criterion)
            for r in regularizers: loss += r.penalty(network, batch, logits)
            loss.backward()
            for r in regularizers: r.transform_gradients(network)
            optimizer.step()
            for r in regularizers: r.after_step(network, learning_rate)
        for r in regularizers: r.after_epoch(network, examples, progress)
        for r in regularizers: curves |= r.curves(network)
        eval_network = network
        for r in regularizers: eval_network = r.evaluation_model(eval_network)
    for r in regularizers: r.after_training(network, validation, eval_network(validation.inputs))

The order of the list is the order of application. All seeds of a recipe may be trained in step with each other: then the
hooks are called for one network after the other, and the forward pass of all is shared (`together.py`).

**A second forward pass** belongs in `penalty`. All passes of a step draw the same masks and noise, so that the second
one repeats the first bit for bit, dropout included; within `network.another_pass(name)` it draws masks of its own:

    def penalty(self, network, batch, logits):                           # R-Drop
        with network.another_pass("r_drop"):
            again = network(batch.inputs)
        return self.strength * network.task.symmetric_divergence(logits, again)  # zero without another_pass

A pass that no mask should reach, as on adversarial examples, runs in `attacks.base.evaluation_mode(network)`.

**The weights at another place during a step.** The graph of the first pass holds the weights, so `transform_loss` leaves
them where they are and calls the network with other ones:

    def transform_loss(self, loss, network, batch, criterion):           # sharpness-aware minimization
        weights = {name: weight for name, weight in network.named_parameters() if weight.requires_grad}
        gradients = torch.autograd.grad(loss, list(weights.values()), retain_graph=True)
        scale = self.rho / norm(gradients)
        moved = {name: weight + scale * g for (name, weight), g in zip(weights.items(), gradients)}
        with running_averages_kept(network):                             # those of batch normalization are of the weights w
            logits = functional_call(network, moved, batch.inputs)
        return criterion(logits, batch.targets)

The loss is that at w + rho g/|g|, and so is its gradient, for g is a constant there. That leaves out the slope of g, which
is the method; such a technique says `follows_penalty = False`. From `transform_gradients` on the graph is gone: there
weights may be moved in place under `torch.no_grad()`, and are copied back before the hook ends.
"""

from collections.abc import Callable
from typing import ClassVar

from torch import Tensor
from torch.nn import Module

from reglab.core.checks import Check
from reglab.data.loader import Batch
from reglab.training.network import Network

Criterion = Callable[[Tensor, Tensor], Tensor]  # outputs and targets, both (batch, outputs) -> the mean loss


class Regularizer:
    """A frozen dataclass whose fields are its entry in params.yaml; a technique overrides one or two hooks.

    It holds no state: what must last from step to step is a buffer of the network, where checkpoints find it.
    Random numbers come from `network.moment`. `reglab check-technique` checks all of this.
    """

    lecture: ClassVar[str] = "other_techniques"  # the section of the report's chapter that shows it
    topic: ClassVar[str | None] = (
        None  # the theory topic whose stage runs its exact checks; None: the technique's stage does
    )
    off: ClassVar[dict | None] = None  # the settings that make it `none`, bit for bit; None: it has none, {}: all do
    # "images", "classes", "discrete" (classes or labels) and "residual_blocks", without which it is not applicable;
    # "unit_range": no technique before it has moved inputs out of `network.bounds`
    needs: ClassVar[tuple] = ()
    leaves_unit_range: ClassVar[bool] = False  # whether inputs in [0, 1] may come out of `transform_batch` beyond it
    follows_penalty: ClassVar[bool] = (
        True  # False: the gradient leaves out a part of its loss's or penalty's on purpose
    )
    acts_in_prediction: ClassVar[bool] = False  # whether its forward hooks change the output of an evaluated network

    @classmethod
    def checks(cls) -> list[Check]:
        """The exact checks of this technique: its hooks against a closed form or an identity."""
        return []

    def prepare_model(self, network: Network) -> None:
        """Once, before the optimizer exists: register forward hooks or buffers."""

    def transform_criterion(self, criterion: Criterion, network: Network) -> Criterion:
        """Once, after `prepare_model`: another loss of scores and targets, which is minimised in the place of this one.

        It may read buffers of the network, whose values `prepare_training` sets.
        """
        return criterion

    def prepare_training(self, network: Network, examples: Batch) -> None:
        """Before the first step, and again where a training that was killed goes on: all labelled training examples.

        What is computed from them goes into a buffer that `prepare_model` registered.
        """

    def transform_batch(self, batch: Batch, network: Network) -> Batch:
        """Each step, after the batch is on the device: other inputs, other targets, or both."""
        return batch

    def transform_loss(self, loss: Tensor, network: Network, batch: Batch, criterion: Criterion) -> Tensor:
        """After the forward pass: another loss in the place of criterion(network(batch.inputs), batch.targets)."""
        return loss

    def penalty(self, network: Network, batch: Batch, logits: Tensor) -> Tensor | None:
        """After the forward pass: a scalar to add to the loss, logged as `<technique>_penalty`.

        It may come without a gradient, when `transform_gradients` adds that in closed form, which is cheaper.
        """
        return None

    def transform_gradients(self, network: Network) -> None:
        """Before the optimizer step, in place."""

    def after_step(self, network: Network, learning_rate: float) -> None:
        """After the optimizer step: projections, proximal steps, averages."""

    def after_epoch(self, network: Network, examples: Batch, progress: float) -> None:
        """After the last step of each epoch, before the network is evaluated: averages over epochs, statistics of the data.

        `examples` are all labelled training examples; `progress` is the share of the epochs that are done, above 0 up to 1.
        """

    def curves(self, network: Network) -> dict[str, float]:
        """At the end of each epoch: what the technique adds to the learning curves, named `<technique>_<quantity>`."""
        return {}

    def evaluation_model(self, network: Network) -> Module:
        """The network that validation and test use; `network` is the result of the technique before.

        A copy made here shares the forward hooks of the original: a hook asks its layer whether that is in
        training mode, and the network only for the moment of a training step.
        """
        return network

    def after_training(self, network: Network, validation: Batch, logits: Tensor) -> None:
        """Once, when the training has ended and the weights are chosen: fits on validation examples what is no weight.

        `logits` are the scores of the evaluated network on them, `network` is the one whose state is published: what is
        fitted is a buffer of it, and `evaluation_model` uses it. Not called if the training diverged.
        """

    def callbacks(self) -> list:
        """Lightning callbacks, for what happens between epochs."""
        return []


def name(regularizer: Regularizer) -> str:
    """The technique's name: that of its file."""
    return type(regularizer).__module__.rpartition(".")[2]

"""The hooks by which a regularizer acts on a training, in calling order.

    for r in regularizers: r.prepare_model(network)
    optimizer = Adam(network.parameters())
    for epoch in range(epochs):                                # `callbacks` may end this loop
        for batch in loader:
            for r in regularizers: batch = r.transform_batch(batch, network)
            scores = network(batch.inputs)
            loss = cross_entropy(scores, batch.targets)
            for r in regularizers: loss += r.penalty(network, batch, scores)
            loss.backward()
            for r in regularizers: r.transform_gradients(network)
            optimizer.step()
            for r in regularizers: r.after_step(network, learning_rate)
        for r in regularizers: curves |= r.curves(network)
        eval_network = network
        for r in regularizers: eval_network = r.evaluation_model(eval_network)

The order of the list is the order of application.

**A second forward pass** belongs in `penalty`. All passes of a step draw the same masks and noise, so that the second
one repeats the first bit for bit, dropout included; within `network.another_pass(name)` it draws masks of its own:

    def penalty(self, network, batch, logits):                           # R-Drop
        with network.another_pass("r_drop"):
            again = network(batch.inputs)
        return self.strength * symmetric_divergence(logits, again)       # zero without another_pass, whatever the dropout

A pass that no mask should reach, as on adversarial examples, runs in `attacks.base.evaluation_mode(network)`.

**The weights at another place during a step.** The graph of the first pass holds the weights, so `penalty` leaves them
where they are and calls the network with other ones:

    def penalty(self, network, batch, logits):                           # sharpness-aware minimization
        loss = cross_entropy(logits, batch.targets)
        weights = {name: weight for name, weight in network.named_parameters() if weight.requires_grad}
        gradients = torch.autograd.grad(loss, list(weights.values()), retain_graph=True)
        scale = self.rho / norm(gradients)
        moved = {name: weight + scale * g for (name, weight), g in zip(weights.items(), gradients)}
        with running_averages_kept(network):                             # those of batch normalization are of the weights w
            there = functional_call(network, moved, batch.inputs)
        return cross_entropy(there, batch.targets) - loss

The loss plus this penalty is the loss at w + rho g/|g|, and so is its gradient, for g is a constant there. That leaves
out the slope of g, which is the method; such a technique says `follows_penalty = False`. From `transform_gradients` on
the graph is gone: there weights may be moved in place under `torch.no_grad()`, and are copied back before the hook ends.
"""

from typing import ClassVar

from torch import Tensor
from torch.nn import Module

from reglab.core.checks import Check
from reglab.data.loader import Batch
from reglab.training.network import Network


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
    needs: ClassVar[
        tuple
    ] = ()  # "images", or "unit_range": no technique before it has moved inputs out of `network.bounds`
    leaves_unit_range: ClassVar[bool] = False  # whether inputs in [0, 1] may come out of `transform_batch` beyond it
    follows_penalty: ClassVar[bool] = True  # False: the gradient leaves out a part of the penalty's on purpose
    acts_in_prediction: ClassVar[bool] = False  # whether its forward hooks change the output of an evaluated network

    @classmethod
    def checks(cls) -> list[Check]:
        """The exact checks of this technique: its hooks against a closed form or an identity."""
        return []

    def prepare_model(self, network: Network) -> None:
        """Once, before the optimizer exists: register forward hooks or buffers."""

    def transform_batch(self, batch: Batch, network: Network) -> Batch:
        """Each step, after the batch is on the device: other inputs, other targets, or both."""
        return batch

    def penalty(self, network: Network, batch: Batch, logits: Tensor) -> Tensor | None:
        """After the forward pass: a scalar to add to the loss, logged as `<technique>_penalty`.

        It may come without a gradient, when `transform_gradients` adds that in closed form, which is cheaper.
        """
        return None

    def transform_gradients(self, network: Network) -> None:
        """Before the optimizer step, in place."""

    def after_step(self, network: Network, learning_rate: float) -> None:
        """After the optimizer step: projections, proximal steps, averages."""

    def curves(self, network: Network) -> dict[str, float]:
        """At the end of each epoch: what the technique adds to the learning curves, named `<technique>_<quantity>`."""
        return {}

    def evaluation_model(self, network: Network) -> Module:
        """The network that validation and test use; `network` is the result of the technique before.

        A copy made here shares the forward hooks of the original: a hook asks its layer whether that is in
        training mode, and the network only for the moment of a training step.
        """
        return network

    def callbacks(self) -> list:
        """Lightning callbacks, for what happens between epochs."""
        return []


def name(regularizer: Regularizer) -> str:
    """The technique's name: that of its file."""
    return type(regularizer).__module__.rpartition(".")[2]

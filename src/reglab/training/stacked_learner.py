"""Several trainings in step with each other, so that their networks are evaluated together."""

import warnings
from collections.abc import Callable, Sequence
from functools import partial

import torch
from pytorch_lightning import LightningModule
from torch import Tensor, nn

from reglab.core.streams import Moment
from reglab.data.loader import Batch
from reglab.training.learner import Diverged, optimizer_of
from reglab.training.stack_members import Member
from reglab.training.stacked_linear import same
from reglab.training.stacked_network import NetworkStack, lie_evenly


class StackedLearner(LightningModule):
    """Takes one step of every member at a time.

    A member's techniques, criterion and measurements are called exactly as in a training of its own. What the members have
    in common is the pass of their networks (`stacked_network`) and, where their learning rates agree, the optimizer's call:

        batches = [member.transformed(batch, moment) for ...]
        outputs = stack([batch.inputs for batch in batches])
        loss = sum of member.objective(outputs, batch)          # the gradient of each member is that of its own loss

    At the first step of every batch size both ways are taken, with and without the stack. Where the gradients differ by
    any bit, which depends on the machine's matrix products, that size goes without, and so does one that is no multiple of
    `ALIGNED`, such as the last batch of an epoch may have.
    """

    def __init__(self, members: Sequence[Member]) -> None:
        super().__init__()
        self.members, self.stack, self.exact = members, None, {}
        self.learners = nn.ModuleList(member.learner for member in members)
        self.by_rate: dict[float, list[Member]] = {}  # the members with each learning rate, a group of the optimizer
        for member in members:
            self.by_rate.setdefault(member.learner.training_settings.learning_rate, []).append(member)

    @property
    def active(self) -> list[Member]:
        return [member for member in self.members if member.active]

    def configure_optimizers(self) -> torch.optim.Optimizer:
        groups = [
            {"params": [weight for member in members for weight in member.learner.parameters()], "lr": rate}
            for rate, members in self.by_rate.items()
        ]
        return optimizer_of(groups, self.members[0].learner.training_settings)

    def on_train_start(self) -> None:
        for member in self.members:
            member.learner.prepare_training(member.batches.examples)

    def transfer_batch_to_device(self, batch, device: torch.device, dataloader_idx: int):
        return batch

    def training_step(self, batches: list[tuple[Member, Batch]], batch_index: int = 0) -> Tensor:
        members = [member for member, _ in batches if member.active]
        position = self.current_epoch, self.global_step
        shown = [
            member.learner.transformed(batch, Moment(member.learner.seed, *position))
            for member, batch in batches
            if member.active
        ]
        objectives = []
        for member, objective in zip(
            members, self.objectives(members, shown, self.exact_together(members, shown)), strict=True
        ):
            try:
                objectives.append(objective())
            except Diverged as error:
                member.active, member.diverged = False, str(error)
        if not objectives:
            raise Diverged("no member is left")
        return torch.stack(objectives).sum()

    def objectives(
        self, members: Sequence[Member], shown: Sequence[Batch], together: bool
    ) -> list[Callable[[], Tensor]]:
        """What every member minimises in this step, to be called: then it may turn out that the member has diverged."""
        learners = [member.learner for member in members]
        if not together:
            return [
                partial(learner.objective, learner.network(batch.inputs), batch)
                for learner, batch in zip(learners, shown, strict=True)
            ]
        networks = [learner.network for learner in learners]
        if self.stack is None or self.stack.networks != networks:
            self.stack = NetworkStack(networks)
        outputs = self.stack([batch.inputs for batch in shown])
        losses = [None] * len(learners)
        if all(
            learner.has_plain_loss and batch.weights is None for learner, batch in zip(learners, shown, strict=True)
        ):
            losses = learners[0].task.criteria(outputs, torch.stack([batch.targets for batch in shown])).unbind()
        return [
            partial(learner.objective, each, batch, loss)
            for learner, each, batch, loss in zip(learners, outputs.unbind(), shown, losses, strict=True)
        ]

    def exact_together(self, members: Sequence[Member], shown: Sequence[Batch]) -> bool:
        """Whether the stack gives these members the gradients that they get alone; at a new batch size it is tried."""
        size = tuple(batch.inputs.shape for batch in shown)
        if len(members) == 1 or len(set(size)) > 1:
            return False
        if size not in self.exact:
            if not lie_evenly(members[0].learner.network, len(members), shown[0].inputs):
                return False
            alone, together = (self.tried(members, shown, way) for way in (False, True))
            if alone is None:  # a loss is not finite
                return False
            self.exact[size] = together is not None and all(map(same, alone, together))
            if not self.exact[size]:
                warnings.warn("Networks give other bits together than alone: they are trained alone", stacklevel=2)
        return self.exact[size]

    def tried(self, members: Sequence[Member], shown: Sequence[Batch], together: bool) -> list[Tensor | None] | None:
        """Losses, gradients and buffers of the members after a step, which is undone; None where it could not be taken."""
        learners = [member.learner for member in members]
        before = [
            (dict(learner.sums), learner.steps, [buffer.clone() for buffer in learner.network.buffers()])
            for learner in learners
        ]
        try:
            losses = [objective() for objective in self.objectives(members, shown, together)]
            torch.stack(losses).sum().backward()
            self.hand_out_gradients()
            gradients = [parameter.grad for learner in learners for parameter in learner.network.parameters()]
            changed = [buffer.clone() for learner in learners for buffer in learner.network.buffers()]
            return [loss.detach() for loss in losses] + gradients + changed
        except (Diverged, RuntimeError):  # such as a second derivative of the outputs, which the stack does not have
            return None
        finally:
            for learner, (sums, steps, buffers) in zip(learners, before, strict=True):
                learner.zero_grad()
                learner.sums, learner.steps = sums, steps
                for buffer, value in zip(learner.network.buffers(), buffers, strict=True):
                    buffer.copy_(value)

    def hand_out_gradients(self) -> None:
        """Give every network the gradients that a backward pass has left in the stack."""
        if self.stack is not None:
            self.stack.hand_out_gradients()

    def on_before_optimizer_step(self, optimizer: torch.optim.Optimizer) -> None:
        self.hand_out_gradients()
        for member in self.members:
            if member.active:
                member.learner.on_before_optimizer_step(optimizer)
            else:
                member.learner.zero_grad()  # the optimizer leaves its weights alone

    def optimizer_step(self, epoch: int, batch_index: int, optimizer, closure=None) -> None:
        groups = list(zip(self.by_rate.values(), optimizer.param_groups, strict=True))
        for members, group in groups:
            members[0].learner.set_learning_rate(group)
        super().optimizer_step(epoch, batch_index, optimizer, closure)
        for members, group in groups:
            for member in members:
                if member.active:
                    member.learner.after_optimizer_step(group["lr"])

    def validation_step(self, batches: list[tuple[Member, Batch]], batch_index: int, dataloader_idx: int = 0) -> None:
        for member, batch in batches:
            member.learner.validation_step(batch, batch_index, dataloader_idx)

    def on_validation_epoch_end(self) -> None:
        for member in self.active:
            member.learner.on_validation_epoch_end()

"""The trainings of a stack: what each has of its own, the batches of all in step, and the calls of their callbacks."""

from collections.abc import Iterator, Sequence

from pytorch_lightning import Callback, LightningModule, Trainer

from reglab.data.loader import Batch, Loader, Whole
from reglab.training.stacked_linear import ALIGNED
from reglab.training.supervised import Supervised

CALLED = ("setup", "on_fit_start", "on_train_start", "on_train_epoch_start", "on_train_epoch_end", "on_validation_end")
AT_THE_END = ("on_train_end", "on_fit_end", "teardown")


class MemberTrainer:
    """What a member of a stack sees of the Trainer: the metrics and the end of its training are its own."""

    def __init__(self, trainer: Trainer) -> None:
        self.trainer, self.callback_metrics, self.should_stop = trainer, {}, False

    def __getattr__(self, name: str):
        return getattr(self.trainer, name)


class Member:
    """One of the trainings in a stack; it is `active` until it diverges or one of its callbacks ends it."""

    def __init__(
        self, learner: Supervised, batches: Loader, validation: Sequence[Whole], callbacks: Sequence[Callback]
    ) -> None:
        self.learner, self.batches, self.validation, self.callbacks = learner, batches, validation, callbacks
        self.active, self.diverged = True, ""

    def call(self, hook: str, *arguments) -> None:
        """Call a hook of every callback."""
        for callback in self.callbacks:
            getattr(callback, hook)(self.learner.trainer, self.learner, *arguments)

    def end(self) -> None:
        """What Lightning calls after a training; a diverged one ends without it."""
        if not self.diverged:
            self.call("on_train_end")
            self.call("on_fit_end")
        self.call("teardown", "fit")

    def state_dict(self) -> dict:
        states = {callback.state_key: state for callback in self.callbacks if (state := callback.state_dict())}
        return {"active": self.active, "diverged": self.diverged, "callbacks": states}

    def load_state_dict(self, state: dict) -> None:
        self.active, self.diverged = state["active"], state["diverged"]
        for callback in self.callbacks:
            if callback.state_key in state["callbacks"]:
                callback.load_state_dict(state["callbacks"][callback.state_key])


class MemberBatches:
    """In each step the batches of all active members: (member, batch), ...; they have equally many."""

    def __init__(self, members: Sequence[Member]) -> None:
        self.members, self.sampler = members, self

    def set_epoch(self, epoch: int) -> None:
        for member in self.members:
            member.batches.set_epoch(epoch)

    def __len__(self) -> int:
        return len(self.members[0].batches)

    def __iter__(self) -> Iterator[list[tuple[Member, Batch]]]:
        active = [member for member in self.members if member.active]
        aligned = self.members[0].batches.size % ALIGNED == 0  # so are then views of a larger piece
        loaders = [member.batches.views() if aligned else member.batches for member in active]
        for batches in zip(*loaders, strict=True):
            yield list(zip(active, batches, strict=True))


class MemberParts:
    """A part on which every active member is validated, as one batch each: (member, batch), ..."""

    def __init__(self, members: Sequence[Member], number: int) -> None:
        self.members, self.number = members, number

    def __len__(self) -> int:
        return 1

    def __iter__(self) -> Iterator[list[tuple[Member, Batch]]]:
        yield [
            (member, member.validation[self.number].examples)
            for member in self.members
            if member.active and self.number < len(member.validation)
        ]


class MemberCallbacks(Callback):
    """Calls the callbacks of the active members; the state of all is part of the checkpoint.

    A training ends when every member has ended.
    """

    def __init__(self, members: Sequence[Member]) -> None:
        self.members = members

    def call(self, hook: str, *arguments) -> None:
        for member in self.members:
            if member.active:
                member.call(hook, *arguments)

    def setup(self, trainer: Trainer, learner: LightningModule, stage: str) -> None:
        for member in self.members:
            member.learner.trainer = MemberTrainer(trainer)
            member.call("setup", stage)

    def on_fit_start(self, trainer: Trainer, learner: LightningModule) -> None:
        self.call("on_fit_start")

    def on_train_start(self, trainer: Trainer, learner: LightningModule) -> None:
        self.call("on_train_start")

    def on_train_epoch_start(self, trainer: Trainer, learner: LightningModule) -> None:
        self.call("on_train_epoch_start")

    def on_validation_end(self, trainer: Trainer, learner: LightningModule) -> None:
        self.call("on_validation_end")

    def on_train_epoch_end(self, trainer: Trainer, learner: LightningModule) -> None:
        self.call("on_train_epoch_end")
        for member in self.members:
            member.active &= not member.learner.trainer.should_stop
        if not any(member.active for member in self.members):
            trainer.should_stop = True

    def state_dict(self) -> dict:
        return {"members": [member.state_dict() for member in self.members]}

    def load_state_dict(self, state: dict) -> None:
        for member, each in zip(self.members, state["members"], strict=True):
            member.load_state_dict(each)

"""Trains several seeds or settings in one process: in a stack where that gives the same bits, else one after another."""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from pathlib import Path

from pytorch_lightning import Callback
from pytorch_lightning.utilities.model_helpers import is_overridden
from torch.nn import Module

from reglab.core.streams import Seeds
from reglab.data.loader import Loader
from reglab.data.prepared import Split
from reglab.runtime.cores import usable_cores
from reglab.tracking.journal import Journal
from reglab.training.learner import Diverged
from reglab.training.one_seed import (
    CHECKPOINT_SECONDS,
    Curves,
    Recipe,
    callbacks_of,
    ended,
    evaluate,
    is_finished,
    learner_of,
    measured_parts,
    parts_of,
    train_seed,
)
from reglab.training.regularizer import Regularizer
from reglab.training.stack_members import AT_THE_END, CALLED, Member, MemberBatches, MemberCallbacks, MemberParts
from reglab.training.stacked_learner import StackedLearner
from reglab.training.stacked_network import can_be_stacked
from reglab.training.supervised import Supervised
from reglab.training.trainer import run_trainer

MOST = 16  # members of a stack; more gain little, and their data lie in memory at once
LARGEST = 2**20  # weights of a network; beyond, the products take so long that nothing is gained


@dataclass(frozen=True)
class SeedTraining:
    """The arguments of `train_seed`."""

    recipe: Recipe
    split: Split
    seed: int
    folder: Path
    every: float = CHECKPOINT_SECONDS
    streams: Seeds | None = None
    log_every_epoch: bool = True

    @property
    def done(self) -> bool:
        return is_finished(self.folder, self.seed)

    @property
    def kind(self) -> str:
        """What trainings have in common that can be in one stack; their techniques and learning rates may differ."""
        task, settings = self.split.task, (self.every, self.log_every_epoch)
        examples = (len(self.split.inputs["labelled"]), tuple(self.split.shape), task.name, task.outputs)
        training = replace(self.recipe.training, learning_rate=1.0)
        return repr((self.recipe.architecture, training, examples, settings))


def in_stacks(jobs: Iterable[tuple], processes: int | None) -> list[tuple]:
    """The same jobs (function, *arguments), in which those of `train_seed` that can be stacked are joined.

    A stack has so many members that there is one for each process, or at most `MOST`.
    """
    others, kinds = [], {}
    for job in jobs:
        training = seed_training(*job)
        if training is not None and may_be_stacked(training.recipe):
            kinds.setdefault(training.kind, []).append(training)
        else:
            others.append(job)
    members = min(MOST, -(-sum(map(len, kinds.values())) // (processes or usable_cores())))
    return others + [(train_together, part) for each in kinds.values() for part in divided(each, members)]


def seed_training(function: Callable, *arguments) -> SeedTraining | None:
    """The training that a job is, or None if it is something else."""
    given = {}
    while isinstance(function, partial):
        function, given = function.func, function.keywords | given
    return SeedTraining(*arguments, **given) if function is train_seed else None


def divided(trainings: Sequence[SeedTraining], members: int) -> list[list[SeedTraining]]:
    """Groups of at most so many neighbours, whose sizes differ by one at most."""
    count = -(-len(trainings) // members)
    ends = [round(len(trainings) * place / count) for place in range(count + 1)]
    return [list(trainings[begin:end]) for begin, end in pairwise(ends)]


def may_be_stacked(recipe: Recipe) -> bool:
    """Whether trainings of the recipe gain from a stack.

    Not with a technique that takes gradients of the first pass by itself, from which every member's would be computed, nor
    with a callback on batches, nor with a Trainer of its own.
    """
    return (
        recipe.architecture.stacked
        and recipe.training.trainer is None
        and all(type(each).transform_loss is Regularizer.transform_loss for each in recipe.regularizers)
        and not any(hook_of_lightning(callback) for callback in callbacks_of(recipe))
    )


def hook_of_lightning(callback: Callback) -> bool:
    """Whether the callback has a hook that a stack does not call."""
    called = (*CALLED, *AT_THE_END, "state_dict", "load_state_dict", "state_key")
    hooks = [name for name in vars(Callback) if not name.startswith("_") and name not in called]
    return any(is_overridden(hook, callback, Callback) for hook in hooks)


def train_together(trainings: Sequence[SeedTraining]) -> None:
    """What `train_seed` does for each of the trainings, which are of one kind, to the bit."""
    if all(training.done for training in trainings):
        return
    learners = [learner_of(each.recipe, each.split, each.seed, each.streams) for each in trainings]
    if len(trainings) > 1 and all(can_be_stacked(each.network) and is_small(each.network) for each in learners):
        train_stack(trainings, learners)
        return
    for each in trainings:
        train_seed(
            each.recipe,
            each.split,
            each.seed,
            each.folder,
            each.every,
            each.streams,
            log_every_epoch=each.log_every_epoch,
        )


def is_small(network: Module) -> bool:
    return sum(parameter.numel() for parameter in network.parameters()) <= LARGEST


def train_stack(trainings: Sequence[SeedTraining], learners: Sequence[Supervised]) -> None:
    """Train in one stack; its checkpoint is beside the files of the first training."""
    first, members = trainings[0], []
    journals = [Journal(training.folder / f"seed-{training.seed}.jsonl") for training in trainings]
    parts = [parts_of(training.recipe, training.split) for training in trainings]
    for training, learner, journal, of in zip(trainings, learners, journals, parts, strict=True):
        order = training.streams.batch_order if training.streams else training.seed
        batches = Loader(of["labelled"], training.recipe.training.batch_size, order)
        callbacks = callbacks_of(training.recipe)
        validation = measured_parts(of, callbacks, log_every_epoch=training.log_every_epoch)
        members.append(Member(learner, batches, validation, [Curves(journal), *callbacks]))
    checkpoint = checkpoint_of(trainings)
    with suppress(Diverged):  # all of them have, or have ended before
        run_trainer(
            StackedLearner(members),
            MemberBatches(members),
            [MemberParts(members, number) for number in range(max(len(member.validation) for member in members))],
            checkpoint,
            first.recipe.training,
            [MemberCallbacks(members)],
            first.every,
        )
    for training, member, journal, of in zip(trainings, members, journals, parts, strict=True):
        member.end()
        if not training.done:
            evaluate(
                member.learner, of, ended(member.learner, journal, member.diverged), training.folder, training.seed
            )
    checkpoint.unlink(missing_ok=True)


def checkpoint_of(trainings: Sequence[SeedTraining]) -> Path:
    """The checkpoint of a stack, named by its trainings."""
    names = [f"{training.folder.name}/{training.seed}" for training in trainings]
    digest = hashlib.blake2b("\n".join(names).encode(), digest_size=8).hexdigest()
    return trainings[0].folder / f"stack-{digest}.ckpt"

"""Trains one seed of a recipe, resuming where a kill has left it."""

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from pytorch_lightning import Callback, LightningModule, Trainer
from safetensors import safe_open
from safetensors.torch import save
from torch.utils.flop_counter import FlopCounterMode

from reglab.core.streams import Seeds
from reglab.data.loader import Batch, Loader, Whole, with_targets
from reglab.data.prepared import Split
from reglab.tracking.checkout import write_atomically
from reglab.tracking.journal import Journal
from reglab.tracking.record import starting_with
from reglab.training.data_parallel import DataParallel, Ranks, Shard, run_ranks
from reglab.training.learner import Diverged, Learner, device_of
from reglab.training.network import Architecture, build
from reglab.training.network_measures import measure_network
from reglab.training.passes import outputs_on
from reglab.training.regularizer import Regularizer
from reglab.training.supervised import Supervised
from reglab.training.trainer import run_trainer

PARTS = ("labelled", "validation", "test")  # of a split, all on which a trained network is evaluated
CHECKPOINT_SECONDS = 10.0  # a kill costs at most this much work; an epoch of a small network is not worth a file


@dataclass(frozen=True)
class Recipe:
    """Everything that defines a training: techniques in order of application, network, settings."""

    regularizers: tuple[Regularizer, ...]
    architecture: Architecture
    training: object  # the section of params.yaml


class Curves(Callback):
    """Writes each epoch into the journal."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal

    def on_train_epoch_end(self, trainer: Trainer, learner: LightningModule) -> None:
        measured = {key: value.item() for key, value in trainer.callback_metrics.items()}
        self.journal.append(trainer.current_epoch, measured | learner.curves())


def learner_of(
    recipe: Recipe, split: Split, seed: int, streams: Seeds | None = None, kind: type[Supervised] = Supervised
) -> Supervised:
    """The learner before its first step, for inputs as those of the split; `streams` if their seeds are not all the same."""
    streams = streams or Seeds(seed, seed, seed)
    network = build(recipe.architecture, split.shape, split.task, streams.initialization)
    network.bounds, network.spread = split.bounds, split.spread
    return kind(network, recipe.regularizers, recipe.training, streams.masks)


def examples_of(split: Split, part: str, device: str = "cpu") -> Batch:
    """A part of the split as one batch with the targets of its task; the labelled part has its weights."""
    weights = split.weights if part == "labelled" else None
    return with_targets(split.inputs[part], split.task.targets(split.labels[part]), device, weights)


def train_seed(
    recipe: Recipe,
    split: Split,
    seed: int,
    folder: Path,
    every: float = CHECKPOINT_SECONDS,
    streams: Seeds | None = None,
    *,
    log_every_epoch: bool = True,
) -> None:
    """Train one seed and leave `seed-<n>.safetensors` in `folder`: weights, predictions, and in its metadata the outcome.

    The test inputs are used once, after the last step, and not at all if the split has none. A loss that becomes
    NaN or infinite ends the seed within that step, and its outcome says so. `streams` if not all have this seed.
    Without `log_every_epoch` no epoch is measured on the examples, which takes a quarter of the time; where a technique
    follows the validation part, on that part alone.
    """
    if is_finished(folder, seed):
        return
    arguments = recipe, split, seed, folder, every, streams, log_every_epoch
    if recipe.training.ranks == 1:
        train_in_process(*arguments)
    else:
        run_ranks(train_in_process, arguments, recipe.training.trainer, seed)


def train_in_process(
    recipe: Recipe,
    split: Split,
    seed: int,
    folder: Path,
    every: float,
    streams: Seeds | None,
    log_every_epoch: bool,
    ranks: Ranks | None = None,
) -> None:
    """Train one seed in this process, or this process's share of it; of several processes one writes the files."""
    parts = parts_of(recipe, split)
    learner = learner_of(recipe, split, seed, streams, DataParallel if ranks else Supervised)
    callbacks = callbacks_of(recipe)
    order = Loader(parts["labelled"], recipe.training.batch_size, streams.batch_order if streams else seed)
    batches = Shard(order, ranks.global_rank(), ranks.world_size()) if ranks else order
    validation = measured_parts(parts, callbacks, log_every_epoch=log_every_epoch)
    if ranks and not ranks.writes:
        with suppress(Diverged):  # its loss is that of all: the process that writes says so
            checkpoint = folder / f"seed-{seed}.ckpt"
            run_trainer(learner, batches, validation, checkpoint, recipe.training, callbacks, every, ranks)
        return
    outcome = fit(learner, batches, validation, folder, recipe.training, callbacks, every, seed, ranks)
    evaluate(learner, parts, outcome, folder, seed)


def parts_of(recipe: Recipe, split: Split) -> dict[str, Batch]:
    """Every part of the split on the device of the training."""
    device = device_of(recipe.training.accelerator)
    return {part: examples_of(split, part, device) for part in split.inputs}


def measured_parts(
    parts: dict[str, Batch], callbacks: Sequence[Callback] = (), *, log_every_epoch: bool = True
) -> list[Whole]:
    """What is measured after every epoch, in the order of `learner.PARTS`; callbacks follow the validation part."""
    names = ["validation", "labelled"] if log_every_epoch else ["validation"] if callbacks else []
    return [Whole(parts[name]) for name in names]


def callbacks_of(recipe: Recipe) -> list[Callback]:
    return [callback for regularizer in recipe.regularizers for callback in regularizer.callbacks()]


def evaluate(learner: Supervised, parts: dict[str, Batch], outcome: dict, folder: Path, seed: int) -> None:
    """Leave the file of a training that has ended with this outcome."""
    if outcome["status"] == "finished":
        learner.after_training(parts["validation"])
    outcome |= measure_network(learner, parts["validation"].inputs)
    tensors = {f"weights/{name}": value for name, value in learner.network.state_dict().items()}
    tensors |= {f"predictions/{part}": values for part, values in predict(learner, parts).items()}
    if outcome["status"] == "finished":
        outcome |= divergence(tensors)
    finish(folder, seed, outcome, tensors)


def divergence(tensors: dict[str, torch.Tensor]) -> dict[str, str]:
    """The outcome of a training that leaves something infinite, such as the variance of a batch; else nothing."""
    if odd := [name for name, values in tensors.items() if not values.isfinite().all()]:
        of_predictions = any(name.startswith("predictions/") for name in odd)
        reason = "the last step made the weights infinite" if of_predictions else f"{odd[0]} became infinite"
        return {"status": "diverged", "reason": reason}
    return {}


def evaluate_seed(recipe: Recipe, split: Split, seed: int, trained: Path, folder: Path) -> None:
    """Leave in `folder` what `train_seed` would, from a training without the test part in `trained`."""
    if is_finished(folder, seed):
        return
    outcome, arrays = finished_seed(trained, seed)
    tensors = {name: torch.as_tensor(values) for name, values in arrays.items()}
    device = device_of(recipe.training.accelerator)
    learner = learner_of(recipe, split, seed)
    learner.network.load_state_dict(starting_with("weights/", tensors))
    learner.network.to(device)
    tensors |= {
        f"predictions/{part}": values
        for part, values in predict(learner, {"test": examples_of(split, "test", device)}).items()
    }
    write_atomically(folder / f"seed-{seed}.jsonl", (trained / f"seed-{seed}.jsonl").read_bytes())
    finish(folder, seed, outcome, tensors)


def fit(
    learner: Learner,
    batches,
    validation: list,
    folder: Path,
    training,
    callbacks: Sequence[Callback] = (),
    every: float = CHECKPOINT_SECONDS,
    seed: int | None = None,
    ranks: Ranks | None = None,
) -> dict:
    """Train a learner to its last epoch, from where a kill left it; its status, the number of epochs, the chosen one.

    `training` has `epochs`, `accelerator` and perhaps `trainer`. The epochs go to `seed-<n>.jsonl` in `folder`; the
    checkpoint stays until `finish`. `seed` names both files if it is not that of the learner.
    """
    stem = folder / f"seed-{learner.seed if seed is None else seed}"
    journal, checkpoint = Journal(stem.with_suffix(".jsonl")), stem.with_suffix(".ckpt")
    reason = ""
    try:
        run_trainer(learner, batches, validation, checkpoint, training, [Curves(journal), *callbacks], every, ranks)
    except Diverged as error:
        reason = str(error)
    return ended(learner, journal, reason)


def ended(learner: Learner, journal: Journal, diverged: str = "") -> dict:
    """The outcome of a training: its status, the number of epochs, the chosen one; `diverged`: why it has, if so."""
    outcome = {"status": "diverged", "reason": diverged} if diverged else {"status": "finished"}
    last = len(journal.lines) - 1
    return outcome | {
        "epochs": len(journal.lines),
        "best_epoch": last if learner.chosen_epoch is None else learner.chosen_epoch,
    }


def finish(folder: Path, seed: int, outcome: dict, tensors: dict[str, torch.Tensor]) -> None:
    """Leave a seed's outcome and tensors in one file; delete the checkpoint."""
    tensors = {name: values.cpu().contiguous() for name, values in tensors.items()}
    write_atomically(folder / f"seed-{seed}.safetensors", save(tensors, metadata={"outcome": json.dumps(outcome)}))
    (folder / f"seed-{seed}.ckpt").unlink(missing_ok=True)


@torch.no_grad()
def predict(learner: Supervised, parts: dict) -> dict[str, torch.Tensor]:
    """Predictions (examples, outputs) of the evaluated network on the PARTS that are given, as its task says."""
    network = learner.eval_network().eval().to(next(iter(parts.values())).inputs.device)
    return {
        part: learner.task.predictions(outputs_on(network, parts[part].inputs)).cpu() for part in PARTS if part in parts
    }


def is_finished(folder: Path, seed: int) -> bool:
    """Whether the folder has what `finish` leaves of the seed."""
    return (folder / f"seed-{seed}.safetensors").exists()


def finished_seed(folder: Path, seed: int) -> tuple[dict, dict[str, np.ndarray]]:
    """Outcome and tensors of a seed that `train_seed` has finished."""
    with safe_open(folder / f"seed-{seed}.safetensors", "numpy") as file:
        return json.loads(file.metadata()["outcome"]), {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  (no mapping)


def cost_of_step(recipe: Recipe, split: Split) -> dict[str, float]:
    """The cost of one training step: floating-point operations per example, forward and backward passes of the network.

    Operations are those of matrix products and convolutions, as torch's flop counter sees them.
    """
    torch.set_num_threads(1)
    learner = learner_of(recipe, split, seed=0)
    examples = examples_of(split, "labelled")
    batch = next(iter(Loader(examples, recipe.training.batch_size, seed=0)))
    passes = {"forward_passes": 0, "backward_passes": 0}

    def count(direction: str):
        def hook(*_) -> None:
            passes[direction] += 1

        return hook

    learner.network.register_forward_hook(count("forward_passes"))
    learner.network.head.register_full_backward_hook(count("backward_passes"))
    return {"flops_per_example": flops_of_step(learner, batch) / len(batch.inputs), **passes}


def flops_of_step(learner: Learner, batch) -> int:
    """Floating-point operations of matrix products and convolutions in one training step, both ways."""
    with FlopCounterMode(display=False) as counter:
        learner.training_step(batch).backward()
    learner.zero_grad(set_to_none=True)
    learner.curves()  # resets the epoch's sums
    return counter.get_total_flops()

"""Trains an entry of `transfer` or `semi_supervised` on every seed, for each number of labels, and publishes the record."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import nn

from reglab.data import prepared
from reglab.data.augmentation.policy import Policy
from reglab.data.augmentation.variation import Variation
from reglab.data.loader import Batch, PairedLoader, Repeated, without_labels
from reglab.data.prepared import Prepared, Split
from reglab.experiments.few_labels.base import paired_batches
from reglab.experiments.few_labels.labelled import few
from reglab.experiments.few_labels.propagation import PropagationLearner
from reglab.experiments.few_labels.settings import FewLabels, Transfer
from reglab.tracking import record
from reglab.tracking.stage import Stage, StageBuilder
from reglab.training.learner import device_of
from reglab.training.network import Network, build
from reglab.training.one_seed import PARTS, divergence, examples_of, finish, fit, flops_of_step, measured_parts, predict
from reglab.training.regularizer import Regularizer
from reglab.training.settings import Training
from reglab.training.supervised import Supervised
from reglab.training.variants import cases, curves_csv, seeds_of_record, train_variants


@dataclass(frozen=True)
class Augmented(Regularizer):
    """Augments every example anew at each step, because few examples are repeated within an epoch."""

    vary: Variation

    def transform_batch(self, batch: Batch, network: Network) -> Batch:
        return batch._replace(inputs=self.vary(batch, replace(network.moment, epoch=network.moment.step)))


class Frozen(nn.Sequential):
    """A module that stays in evaluation mode, so that the running statistics of normalisation layers are frozen too."""

    def train(self, mode: bool = True) -> "Frozen":
        return super().train(False)


@dataclass(frozen=True)
class TransferMethod:
    """Starts from the backbone of a seed's pretext, which is tuned or frozen. `folder`: the record of the pretext.

    With label propagation the examples without labels are learned as well, and come in batches of their own.
    """

    entry: Transfer
    folder: Path
    classical = False

    def learner(
        self, network: Network, regularizers: tuple, training: Training, unlabelled: Variation, seed: int
    ) -> Supervised:
        learned = load_file(self.folder / "weights" / f"seed-{seed}.safetensors")
        network.backbone.load_state_dict(record.starting_with("backbone.", learned))
        if self.entry.backbone == "frozen":
            network.backbone = Frozen(*network.backbone).requires_grad_(False).eval()
        augmented, *others = regularizers
        techniques = [augmented, *others] if self.entry.augment else others
        if self.entry.label_propagation is None:
            return Supervised(network, techniques, training, seed)
        views = unlabelled if self.entry.augment else replace(unlabelled, policy=Policy())
        return PropagationLearner(network, techniques, training, views, self.entry.label_propagation, seed)

    def batches(
        self, labelled: Batch, unlabelled: Batch, training: Training, steps: int, seed: int
    ) -> Repeated | PairedLoader:
        if self.entry.label_propagation is None:
            return Repeated(labelled, training.batch_size, seed, steps)
        sizes = training.batch_size, self.entry.label_propagation.unlabelled_batch_size
        return paired_batches(labelled, unlabelled, sizes, steps, seed)


@dataclass(frozen=True)
class FewLabelsStudy:
    """The settings that all entries share: the section `few_labels`, the policy, the device, and the classes.

    classes: None where the targets are amounts or labels.
    """

    settings: FewLabels
    policy: Policy
    accelerator: str
    classes: Sequence[int] | None

    @property
    def training(self) -> Training:
        return self.settings.training(self.accelerator)


def run_entry(settings, stage: StageBuilder) -> None:
    """Run the entry of params.yaml that the stage is about; `settings` are the `Params`."""
    data, entry = prepared.read(Path("data/study")), settings.entry(stage.family, stage.name)
    method, classes, flops = entry, None, 0
    if stage.family == "transfer":
        folder = stage.runs / "pretraining" / entry.start
        method, classes, flops = TransferMethod(entry, folder), entry.classes, record.read(folder)["cost"]["flops"]
    policy, accelerator = settings.augmentation["study"], settings.training.accelerator
    if classes is None and data.classes is not None:
        classes = tuple(range(data.classes))
    study = FewLabelsStudy(settings.few_labels, policy, accelerator, classes)
    built = stage.build(data, {stage.name: entry}, few_labels=settings.few_labels, augmentation=policy)
    run(method, study, data, built, pretraining_flops=flops)


def run(
    method,  # a `SemiSupervised` or a `TransferMethod`
    study: FewLabelsStudy,
    data: Prepared,
    stage: Stage,
    *,
    pretraining_flops: int = 0,
) -> dict:
    """Train every seed with every number of labels and publish the record; returns its content.

    Labels are right, whatever `data.label_noise`.
    """
    numbers, first = study.settings.labels_per_class, stage.seeds[0]
    with stage.journal() as entry:
        splits = {seed: data.split(seed, clean=True) for seed in stage.seeds}
        parts = {
            (seed, number): few(splits[seed], number, study.classes) for seed, number in cases(stage.seeds, numbers)
        }
        results = train_variants(
            {case: (train_few, method, study, split) for case, split in parts.items()}, entry, stage
        )
        predicted = {}
        for number in numbers:
            tested = [results[seed, number][1]["predictions/test"] for seed in stage.seeds]
            of_number = [parts[seed, number] for seed in stage.seeds]
            predicted |= record.predictions(of_number, tested, f"@{number}")
        most = parts[first, numbers[-1]]
        flops, plain = stage.run_all([(flops_of_training, each, study, most, first) for each in (method, None)])
        cost = {
            "flops": flops,
            "pretraining_flops": pretraining_flops,
            "relative_to_none": (flops + pretraining_flops) / plain,
        }
        weights = {seed: record.starting_with("weights/", results[seed, numbers[-1]][1]) for seed in stage.seeds}
        return stage.publish(
            entry,
            {"seeds": seeds_of_record(results), "cost": cost},
            curves=curves_csv(entry, stage.seeds, numbers),
            predicted=predicted,
            weights={} if method.classical else weights,
        )


def train_few(method, study: FewLabelsStudy, case: Split, seed: int, folder: Path) -> None:
    """Leave `seed-<n>.safetensors` in `folder`: predictions, the weights that they are of, and the outcome.

    Test inputs are used once, after the last step.
    """
    if method.classical:
        predicted = method.predict(case, case.task.outputs)
        predictions = {part: torch.as_tensor(values) for part, values in predicted.items()}
        write_finished(folder, seed, {"status": "finished"}, case, predictions, {})
        return
    learner, batches, parts = prepare_training(method, study, case, seed)
    outcome = fit(learner, batches, measured_parts(parts), folder, study.training)
    if outcome["status"] == "finished":
        learner.after_training(parts["validation"])
    write_finished(folder, seed, outcome, case, predict(learner, parts), learner.published_network().state_dict())


def write_finished(folder: Path, seed: int, outcome: dict, case: Split, predictions: dict, weights: dict) -> None:
    """Write the finished seed to `folder`, with its metrics in the outcome."""
    tensors = {f"weights/{name}": value for name, value in weights.items()}
    tensors |= {f"predictions/{part}": values for part, values in predictions.items()}
    if outcome["status"] == "finished":
        outcome = outcome | divergence(tensors)
    metrics = {}
    if outcome["status"] == "finished":
        metrics = record.seed_metrics(case, {part: values.numpy() for part, values in predictions.items()})
    finish(folder, seed, outcome | {"metrics": metrics}, tensors)


def prepare_training(method, study: FewLabelsStudy, case: Split, seed: int):
    """The learner before its first step, its batches, and the parts of the case; without a method, training from scratch."""
    device = device_of(study.accelerator)
    parts = {part: examples_of(case, part, device) for part in PARTS}
    unlabelled = without_labels(case.inputs["unlabelled"], device)
    network = build(study.settings.model, case.shape, case.task, seed).to(device)
    network.bounds, network.spread = case.bounds, case.spread
    labelled, pool = (
        Variation(study.policy, len(part.indices), case.spread) for part in (parts["labelled"], unlabelled)
    )
    regularizers = (Augmented(labelled), *study.settings.regularizers)
    if method is None:
        learner = Supervised(network, regularizers, study.training, seed)
        return learner, Repeated(parts["labelled"], study.settings.batch_size, seed, study.settings.steps), parts
    learner = method.learner(network, regularizers, study.training, pool, seed)
    return learner, method.batches(parts["labelled"], unlabelled, study.training, study.settings.steps, seed), parts


def flops_of_training(method, study: FewLabelsStudy, case: Split, seed: int) -> int:
    """Floating-point operations of all steps, each as the first; 0 for a classical method, which has none."""
    if method is not None and method.classical:
        return 0
    learner, batches, _ = prepare_training(method, study, case, seed)
    return flops_of_step(learner, next(iter(batches))) * study.settings.epochs * study.settings.steps

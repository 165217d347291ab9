"""Learns a pretext on all seeds in parallel, probes its representation, and publishes the record."""

from collections.abc import Sequence
from pathlib import Path
from statistics import fmean

import numpy as np
import torch

from reglab.core import figures
from reglab.data import prepared
from reglab.data.prepared import Prepared
from reglab.experiments.pretraining.base import Pretext, PretextLearner, Setting, Task, batches_of
from reglab.experiments.pretraining.pretext_search import PretextSearch
from reglab.experiments.pretraining.settings import PretextTuning
from reglab.runtime.processes import Progress
from reglab.tracking.checkout import write_atomically
from reglab.tracking.journal import Journal, epochs_written
from reglab.tracking.record import curves_csv, starting_with
from reglab.tracking.stage import Stage, StageBuilder
from reglab.training.one_seed import finish, finished_seed, fit, flops_of_step, is_finished
from reglab.training.together import in_stacks


def run_entry(settings, stage: StageBuilder) -> None:
    """Run the entry of params.yaml that the stage is about; `settings` are the `Params`."""
    pretext, study = settings.entry("pretraining", stage.name), prepared.read(Path("data/study"))
    source, model = pretext.read(Path("data")), settings.few_labels.model
    setting = Setting(model, settings.augmentation["study"], settings.training.accelerator)
    tuning = None if pretext.search is None else settings.pretext_tuning
    searched = {} if tuning is None else {"pretext_tuning": tuning}
    run(pretext, setting, source, study, stage.build(source, {stage.name: pretext}, model=model, **searched), tuning)


def run(
    pretext: Pretext,
    setting: Setting,
    source: Prepared,
    study: Prepared,
    stage: Stage,
    tuning: PretextTuning | None = None,
) -> dict:
    """Learn the pretext of every seed from `source` and publish the record; returns its content.

    `study` is the data of the target task, with its true labels. With a `tuning` the settings are chosen first.
    """
    with stage.journal() as entry:
        splits = {seed: (source.split(seed), study.split(seed, clean=True)) for seed in stage.seeds}
        search = None
        if tuning is not None:
            search = PretextSearch(pretext, tuning, stage.seeds, entry)
            tries = [
                (pretrain_seed, candidate, setting, *splits[seed], seed, folder, False)
                for candidate, folder in zip(search.tried, search.folders, strict=True)
                for seed in search.seeds
            ]
            learn(stage, entry, tries)
            pretext, tried = search.tried[search.best], search.folders[search.best]
            stage.run_all([(test_seed, pretext, setting, *splits[seed], seed, tried, entry) for seed in search.seeds])
        jobs = [(pretrain_seed, pretext, setting, *splits[seed], seed, entry) for seed in stage.seeds]
        learn(stage, entry, jobs)
        results = {seed: finished_seed(entry, seed) for seed in stage.seeds}
        weights = {seed: starting_with("weights/", tensors) for seed, (_, tensors) in results.items()}
        cost = {"flops": round(fmean(outcome.pop("flops") for outcome, _ in results.values()))}
        content = {"seeds": {str(seed): outcome for seed, (outcome, _) in results.items()}, "cost": cost}
        return stage.publish(
            entry,
            content | (search.content() if search else {}),
            curves=curves_csv({seed: Journal(entry / f"seed-{seed}.jsonl").lines for seed in stage.seeds}),
            figure=picture(*jobs[0][1:6], weights[stage.seeds[0]]),
            weights=weights,
        )


def learn(stage: Stage, entry: Path, jobs: list[tuple]) -> None:
    """Call those jobs of `pretrain_seed` whose files are not there; the progress bar counts their epochs."""
    places = [(job[6], job[5]) for job in jobs]  # folder, seed
    total = sum(job[1].epochs for job in jobs)
    progress = Progress(stage.name, "epoch", total, lambda: sum(epochs_written(*place) for place in places))
    missing = [job for job in jobs if not is_finished(job[6], job[5])]
    stage.train(missing, entry, in_stacks, progress)


def pretrain_seed(
    pretext: Pretext, setting: Setting, source, study, seed: int, folder: Path, tested: bool = True
) -> None:
    """Learn one seed's pretext, and leave `seed-<n>.safetensors` in `folder`: the weights, and in its metadata the outcome.

    Test examples are used once, after the last step, and not at all unless `tested`.
    """
    if is_finished(folder, seed):
        return
    task = pretext.task(source, study, setting, seed)
    learner, training = task.learner, pretext.training(setting.accelerator)
    outcome, flops = {"status": "finished"}, 0.0
    if pretext.epochs:
        flops = pretext.epochs * flops_of_epoch(pretext.task(source, study, setting, seed))
        outcome = fit(learner, task.training, [batches_of(task.validation)], folder, training)
    parts = ("validation", "test") if tested else ("validation",)
    metrics = evaluate(task, bool(pretext.epochs), parts) if outcome["status"] == "finished" else {}
    tensors = {f"weights/{name}": value for name, value in learner.network.state_dict().items()}
    finish(folder, seed, outcome | {"metrics": metrics, "flops": flops}, tensors)


def test_seed(pretext: Pretext, setting: Setting, source, study, seed: int, tried: Path, folder: Path) -> None:
    """Leave in `folder` what `pretrain_seed` would, from a training in `tried` that was not tested."""
    if is_finished(folder, seed):
        return
    outcome, arrays = finished_seed(tried, seed)
    tensors = {name: torch.as_tensor(values) for name, values in arrays.items()}
    task = pretext.task(source, study, setting, seed)
    task.learner.network.load_state_dict(starting_with("weights/", tensors))
    if outcome["status"] == "finished":
        outcome["metrics"] |= evaluate(task, bool(pretext.epochs), ("test",))
    write_atomically(folder / f"seed-{seed}.jsonl", (tried / f"seed-{seed}.jsonl").read_bytes())
    finish(folder, seed, outcome, tensors)


def flops_of_epoch(task: Task) -> float:
    """Floating-point operations of an epoch: those of the first batch for each example."""
    sizes = [len(batch.indices) for batch in task.training]
    return flops_of_step(task.learner, next(iter(task.training))) * sum(sizes) / sizes[0]


@torch.no_grad()
def evaluate(task: Task, trained: bool, parts: Sequence[str] = ("validation", "test")) -> dict[str, float]:
    """The pretext's own metrics on these held-out examples, if it was `trained`, and those of both probes."""
    learner, metrics = task.learner.eval(), {}
    probes = dict(zip(("validation", "test"), task.probes, strict=True))
    for part, probe in ((part, probes[part]) for part in parts):
        if trained:
            of_pretext = measure(learner, getattr(task, part))
            metrics |= {f"{part}_pretext_{name}": value for name, value in of_pretext.items()}
        metrics |= {f"{part}_{name}": value for name, value in learner.probed(probe).items()}
    return metrics


def measure(learner: PretextLearner, examples) -> dict[str, float]:
    """The pretext's own metrics on examples; the means over them of those of the pieces, where there are several."""
    counts, measured = [], []
    for batch in batches_of(examples):
        counts.append(len(batch.indices))
        measured.append({name: value.item() for name, value in learner.metrics(batch).items()})
    if len(measured) == 1:
        return measured[0]
    return {name: float(np.average([each[name] for each in measured], weights=counts)) for name in measured[0]}


def picture(pretext: Pretext, setting: Setting, source, study, seed: int, weights: dict) -> str:
    """The figure of the pretext's own kind, from a seed's published weights."""
    torch.set_num_threads(1)
    task = pretext.task(source, study, setting, seed)
    task.learner.network.load_state_dict({name: torch.as_tensor(array) for name, array in weights.items()})
    return figures.svg(pretext.picture(task))

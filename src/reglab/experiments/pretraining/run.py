"""Learns a pretext on all seeds in parallel, probes its representation, and publishes the record."""

from pathlib import Path
from statistics import fmean

import numpy as np
import torch

from reglab.core import figures
from reglab.data import prepared
from reglab.data.prepared import Prepared
from reglab.experiments.pretraining.base import Pretext, PretextLearner, Setting, Task, batches_of
from reglab.runtime.processes import Progress
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
    run(pretext, setting, source, study, stage.build(source, {stage.name: pretext}, model=model))


def run(pretext: Pretext, setting: Setting, source: Prepared, study: Prepared, stage: Stage) -> dict:
    """Learn the pretext of every seed from `source` and publish the record; returns its content.

    `study` is the data of the target task, with its true labels.
    """
    with stage.journal() as entry:
        jobs = [
            (pretrain_seed, pretext, setting, source.split(seed), study.split(seed, clean=True), seed, entry)
            for seed in stage.seeds
        ]
        total = pretext.epochs * len(jobs)
        progress = Progress(stage.name, "epoch", total, lambda: epochs_written(entry, *stage.seeds))
        missing = [job for job in jobs if not is_finished(entry, job[-2])]
        stage.train(missing, entry, in_stacks, progress)
        results = {seed: finished_seed(entry, seed) for seed in stage.seeds}
        weights = {seed: starting_with("weights/", tensors) for seed, (_, tensors) in results.items()}
        cost = {"flops": round(fmean(outcome.pop("flops") for outcome, _ in results.values()))}
        return stage.publish(
            entry,
            {"seeds": {str(seed): outcome for seed, (outcome, _) in results.items()}, "cost": cost},
            curves=curves_csv({seed: Journal(entry / f"seed-{seed}.jsonl").lines for seed in stage.seeds}),
            figure=picture(*jobs[0][1:6], weights[stage.seeds[0]]),
            weights=weights,
        )


def pretrain_seed(pretext: Pretext, setting: Setting, source, study, seed: int, folder: Path) -> None:
    """Learn one seed's pretext, and leave `seed-<n>.safetensors` in `folder`: the weights, and in its metadata the outcome.

    Test examples are used once, after the last step.
    """
    if is_finished(folder, seed):
        return
    task = pretext.task(source, study, setting, seed)
    learner, training = task.learner, pretext.training(setting.accelerator)
    outcome, flops = {"status": "finished"}, 0.0
    if pretext.epochs:
        flops = pretext.epochs * flops_of_epoch(pretext.task(source, study, setting, seed))
        outcome = fit(learner, task.training, [batches_of(task.validation)], folder, training)
    metrics = evaluate(task, bool(pretext.epochs)) if outcome["status"] == "finished" else {}
    tensors = {f"weights/{name}": value for name, value in learner.network.state_dict().items()}
    finish(folder, seed, outcome | {"metrics": metrics, "flops": flops}, tensors)


def flops_of_epoch(task: Task) -> float:
    """Floating-point operations of an epoch: those of the first batch for each example."""
    sizes = [len(batch.indices) for batch in task.training]
    return flops_of_step(task.learner, next(iter(task.training))) * sum(sizes) / sizes[0]


@torch.no_grad()
def evaluate(task: Task, trained: bool) -> dict[str, float]:
    """The pretext's own metrics on held-out examples, if it was `trained`, and those of both probes."""
    learner, metrics = task.learner.eval(), {}
    for part, probe in zip(("validation", "test"), task.probes, strict=True):
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

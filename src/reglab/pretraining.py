"""From a pretext's settings to its record: all seeds in parallel, what each learned and what that is good for."""

from dataclasses import asdict
from pathlib import Path
from statistics import fmean

import torch
from tqdm import tqdm

from reglab import figures, journal, record
from reglab.data.loader import Whole
from reglab.data.prepared import Prepared
from reglab.fitting import finish, finished_seed, fit, flops_of_step
from reglab.pretexts.base import Pretext, Setting, Task
from reglab.processes import run_all
from reglab.record import About


def run(
    pretext: Pretext,
    setting: Setting,
    about: About,
    source: Prepared,
    study: Prepared,
    runs: Path,
    *,
    processes: int | None = None,
    context: dict | None = None,
) -> dict:
    """Learn the pretext of every seed from `source` and publish `runs/pretraining/<name>`; returns the record's content.

    `study` is the data of the task to come, whose labels are right here. `context` is as in `journal.opened`.
    """
    with journal.opened(about, context) as entry:
        jobs = [
            (pretrain_seed, pretext, setting, source.split(seed), study.split(seed, clean=True), seed, entry)
            for seed in about.seeds
        ]
        with tqdm(total=pretext.epochs * len(jobs), desc=about.name, unit="epoch", disable=None, leave=False) as bar:

            def tick() -> None:
                bar.n = sum(journal.epochs_written(entry, seed) for seed in about.seeds)
                bar.refresh()

            run_all(jobs, processes=processes, tick=tick)
        outcomes, tensors = zip(*(finished_seed(entry, seed) for seed in about.seeds), strict=True)
        weights = {
            seed: record.starting_with("weights/", arrays) for seed, arrays in zip(about.seeds, tensors, strict=True)
        }
        lines = {seed: journal.Journal(entry / f"seed-{seed}.jsonl").lines for seed in about.seeds}
        cost = {"flops": round(fmean(outcome.pop("flops") for outcome in outcomes))}
        seeds = {str(seed): outcome for seed, outcome in zip(about.seeds, outcomes, strict=True)}
        content = asdict(about) | {"seeds": seeds, "cost": cost}
        path = record.write(
            record.folder(runs, about),
            content,
            curves=record.curves_csv(lines),
            figure=picture(*jobs[0][1:6], weights[about.seeds[0]]),
            weights=weights,
        )
        journal.complete(entry, path)
    return content


def pretrain_seed(pretext: Pretext, setting: Setting, source, study, seed: int, folder: Path) -> None:
    """Learn one seed's pretext, and leave `seed-<n>.safetensors` in `folder`: the weights, and in its metadata the outcome.

    Test examples are looked at once, after the last step.
    """
    if (folder / f"seed-{seed}.safetensors").exists():
        return
    task = pretext.task(source, study, setting, seed)
    learner, training = task.learner, pretext.training(setting.accelerator)
    outcome, flops = {"status": "finished"}, 0.0
    if pretext.epochs:
        flops = pretext.epochs * flops_of_epoch(pretext.task(source, study, setting, seed))
        outcome = fit(learner, task.training, [Whole(task.validation)], folder, training)
    metrics = measured(task, bool(pretext.epochs)) if outcome["status"] == "finished" else {}
    tensors = {f"weights/{name}": value for name, value in learner.network.state_dict().items()}
    finish(folder, seed, outcome | {"metrics": metrics, "flops": flops}, tensors)


def flops_of_epoch(task: Task) -> float:
    """Floating-point operations, as those of the first batch have it for each example."""
    sizes = [len(batch.indices) for batch in task.training]
    return flops_of_step(task.learner, next(iter(task.training))) * sum(sizes) / sizes[0]


@torch.no_grad()
def measured(task: Task, trained: bool) -> dict[str, float]:
    """What the pretext came to on held-out examples, if it was `trained`, and both probes."""
    learner, found = task.learner.eval(), {}
    for part, probe in zip(("validation", "test"), task.probes, strict=True):
        if trained:
            told = learner.measures(getattr(task, part))
            found |= {f"{part}_pretext_{name}": value.item() for name, value in told.items()}
        found |= {f"{part}_{name}": value for name, value in learner.probed(probe).items()}
    return found


def picture(pretext: Pretext, setting: Setting, source, study, seed: int, weights: dict) -> str:
    """The figure of the pretext's own kind, from a seed's published weights."""
    torch.set_num_threads(1)
    task = pretext.task(source, study, setting, seed)
    task.learner.network.load_state_dict({name: torch.as_tensor(array) for name, array in weights.items()})
    return figures.svg(pretext.picture(task))

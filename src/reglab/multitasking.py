"""From an entry of `multitask` to its record: every seed, once for each number of labelled scenes."""

from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch

from reglab import budgets, figures, journal, record
from reglab.data.loader import Repeated, Whole
from reglab.data.prepared import Prepared
from reglab.data.scenes import CLASSES
from reglab.fitting import finish, fit, flops_of_step
from reglab.learners.base import device_of
from reglab.multitask.base import Multitask, SceneBatch, measures, whole
from reglab.multitask.pictures import picture
from reglab.params import own_name
from reglab.processes import run_all
from reglab.record import About
from reglab.sections import FewScenes, Training

PARTS = {"labelled": "train", "validation": "validation", "test": "test"}  # and how metrics name them
SHOWN = 4  # test scenes in the picture
Scenes = dict[str, dict[str, np.ndarray]]  # by part of a split, `inputs`, `masks` and `depth`


def run(
    method: Multitask,
    settings: FewScenes,
    accelerator: str,
    about: About,
    data: Prepared,
    runs: Path,
    *,
    processes: int | None = None,
    context: dict | None = None,
) -> dict:
    """Train every seed with every number of labelled scenes and publish `runs/multitask/<name>`; the record's content.

    `data` has masks and depth beside its inputs. `context` is as in `journal.opened`.
    """
    training, numbers = settings.training(accelerator), settings.labelled
    with journal.opened(about, context) as entry:
        jobs = {
            (seed, number): (train_scenes, method, settings, training, scenes_of(data, seed, number))
            for seed, number in budgets.cases(about.seeds, numbers)
        }
        results = budgets.train_all(jobs, entry, about.name, processes)
        first, few = about.seeds[0], scenes_of(data, about.seeds[0], 1)
        counted = run_all([(flops_of_training, method, settings, training, few, first)], processes=1, tick=lambda: None)
        content = asdict(about) | {"seeds": budgets.seeds_of_record(results), "cost": {"flops": counted[0]}}
        weights = {seed: results[seed, numbers[-1]][1] for seed in about.seeds}
        path = record.write(
            record.folder(runs, about),
            content,
            curves=budgets.curves_csv(entry, about.seeds, numbers),
            figure=drawn(method, training, few, first, weights[first]),
            weights=weights,
        )
        journal.complete(entry, path)
    return content


def scenes_of(data: Prepared, seed: int, number: int) -> Scenes:
    """A seed's first so many labelled scenes, its validation and its test scenes."""
    rows = {part: data.tensors[f"seed-{seed}/{part}"] for part in ("labelled", "validation", "test")}
    rows["labelled"] = rows["labelled"][:number]
    targets = ("inputs", "masks", "depth")
    return {part: {name: data.tensors[name][own] for name in targets} for part, own in rows.items()}


def train_scenes(
    method: Multitask, settings: FewScenes, training: Training, scenes: Scenes, seed: int, folder: Path
) -> None:
    """Leave `seed-<n>.safetensors` in `folder`: the weights, and in its metadata the outcome with its metrics.

    The test scenes are looked at once, after the last step.
    """
    parts = {part: whole(**own, device=device_of(training.accelerator)) for part, own in scenes.items()}
    learner, batches = prepared_for(method, settings, training, parts["labelled"], seed)
    outcome = fit(learner, batches, [Whole(parts["validation"])], folder, training)
    learner.to(parts["test"].inputs.device)
    measured = {}
    for part, name in PARTS.items() if outcome["status"] == "finished" else ():
        told = measures(learner.predict(parts[part].inputs), parts[part].masks, parts[part].depth, len(CLASSES))
        measured |= {f"{name}_{metric}": value for metric, value in told.items()}
    finish(folder, seed, outcome | {"metrics": measured}, learner.network.state_dict())


def prepared_for(method: Multitask, settings: FewScenes, training: Training, labelled: SceneBatch, seed: int):
    """The learner before its first step, and its batches."""
    learner = method.learner(labelled.inputs.shape[1:], len(CLASSES), seed, training)
    return learner, Repeated(labelled, training.batch_size, seed, settings.steps)


def flops_of_training(method: Multitask, settings: FewScenes, training: Training, scenes: Scenes, seed: int) -> int:
    """Floating-point operations of all steps, each as the first."""
    learner, batches = prepared_for(method, settings, training, whole(**scenes["labelled"]), seed)
    return flops_of_step(learner, next(iter(batches))) * settings.epochs * settings.steps


def drawn(method: Multitask, training: Training, scenes: Scenes, seed: int, weights: dict[str, np.ndarray]) -> str:
    """What the published weights make of some test scenes, as SVG."""
    torch.set_num_threads(1)
    shown = whole(**{name: values[:SHOWN] for name, values in scenes["test"].items()})
    learner = method.learner(shown.inputs.shape[1:], len(CLASSES), seed, training)
    learner.network.load_state_dict({name: torch.as_tensor(array) for name, array in weights.items()})
    return figures.svg(picture({own_name(method): learner}, shown))

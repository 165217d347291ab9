"""Trains an entry of `multitask` on every seed, for each number of labelled scenes, and publishes the record."""

from pathlib import Path

import numpy as np
import torch

from reglab.core import figures
from reglab.core.plain import entry_name
from reglab.data import prepared
from reglab.data.loader import Repeated, Whole
from reglab.data.prepared import Prepared
from reglab.data.sources.scenes import CLASSES
from reglab.experiments.multitask.base import Multitask, SceneBatch, task_metrics, whole
from reglab.experiments.multitask.prediction_grid import picture
from reglab.experiments.multitask.settings import FewScenes
from reglab.tracking.stage import Stage, StageBuilder
from reglab.training.learner import device_of
from reglab.training.one_seed import finish, fit, flops_of_step
from reglab.training.settings import Training
from reglab.training.variants import cases, curves_csv, seeds_of_record, train_variants

PARTS = {"labelled": "train", "validation": "validation", "test": "test"}  # and how metrics name them
SHOWN = 4  # test scenes in the picture
Scenes = dict[str, dict[str, np.ndarray]]  # by part of a split, `inputs`, `masks` and `depth`


def run_entry(settings, stage: StageBuilder) -> None:
    """Run the entry of params.yaml that the stage is about; `settings` are the `Params`."""
    data, method = prepared.read(Path("data/scenes")), settings.entry("multitask", stage.name)
    built = stage.build(data, {stage.name: method}, few_scenes=settings.few_scenes)
    run(method, settings.few_scenes, settings.training.accelerator, data, built)


def run(method: Multitask, settings: FewScenes, accelerator: str, data: Prepared, stage: Stage) -> dict:
    """Train every seed with every number of labelled scenes and publish the record; returns its content.

    `data` has masks and depth beside its inputs.
    """
    training, numbers = settings.training(accelerator), settings.labelled
    with stage.journal() as entry:
        jobs = {
            (seed, number): (train_scenes, method, settings, training, scenes_of(data, seed, number))
            for seed, number in cases(stage.seeds, numbers)
        }
        results = train_variants(jobs, entry, stage)
        first, few = stage.seeds[0], scenes_of(data, stage.seeds[0], 1)
        [flops] = stage.run_all([(flops_of_training, method, settings, training, few, first)])
        weights = {seed: results[seed, numbers[-1]][1] for seed in stage.seeds}
        return stage.publish(
            entry,
            {"seeds": seeds_of_record(results), "cost": {"flops": flops}},
            curves=curves_csv(entry, stage.seeds, numbers),
            figure=drawn(method, training, few, first, weights[first]),
            weights=weights,
        )


def scenes_of(data: Prepared, seed: int, number: int) -> Scenes:
    """A seed's first `number` labelled scenes, and its validation and test scenes."""
    rows = {part: data.tensors[f"seed-{seed}/{part}"] for part in ("labelled", "validation", "test")}
    rows["labelled"] = rows["labelled"][:number]
    targets = ("inputs", "masks", "depth")
    return {part: {name: data.tensors[name][chosen] for name in targets} for part, chosen in rows.items()}


def train_scenes(
    method: Multitask, settings: FewScenes, training: Training, scenes: Scenes, seed: int, folder: Path
) -> None:
    """Leave `seed-<n>.safetensors` in `folder`: the weights, and in its metadata the outcome with its metrics.

    Test scenes are used once, after the last step.
    """
    device = device_of(training.accelerator)
    parts = {part: whole(**tensors, device=device) for part, tensors in scenes.items()}
    learner, batches = prepare_training(method, settings, training, parts["labelled"], seed)
    outcome = fit(learner, batches, [Whole(parts["validation"])], folder, training)
    learner.to(parts["test"].inputs.device)
    metrics = {}
    for part, name in PARTS.items() if outcome["status"] == "finished" else ():
        measured = task_metrics(learner.predict(parts[part].inputs), parts[part].masks, parts[part].depth, len(CLASSES))
        metrics |= {f"{name}_{metric}": value for metric, value in measured.items()}
    finish(folder, seed, outcome | {"metrics": metrics}, learner.network.state_dict())


def prepare_training(method: Multitask, settings: FewScenes, training: Training, labelled: SceneBatch, seed: int):
    """The learner before its first step, and its batches."""
    learner = method.learner(labelled.inputs.shape[1:], len(CLASSES), seed, training)
    return learner, Repeated(labelled, training.batch_size, seed, settings.steps)


def flops_of_training(method: Multitask, settings: FewScenes, training: Training, scenes: Scenes, seed: int) -> int:
    """Floating-point operations of all steps, each as the first."""
    learner, batches = prepare_training(method, settings, training, whole(**scenes["labelled"]), seed)
    return flops_of_step(learner, next(iter(batches))) * settings.epochs * settings.steps


def drawn(method: Multitask, training: Training, scenes: Scenes, seed: int, weights: dict[str, np.ndarray]) -> str:
    """Predictions of the published weights on some test scenes, as SVG."""
    torch.set_num_threads(1)
    shown = whole(**{name: values[:SHOWN] for name, values in scenes["test"].items()})
    learner = method.learner(shown.inputs.shape[1:], len(CLASSES), seed, training)
    learner.network.load_state_dict({name: torch.as_tensor(array) for name, array in weights.items()})
    return figures.svg(picture({entry_name(method): learner}, shown))

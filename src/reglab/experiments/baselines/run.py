"""Fits a classical method to the labelled examples of every seed, one after the other, and publishes the record."""

from pathlib import Path

from reglab.data import prepared
from reglab.data.prepared import Prepared, Split
from reglab.experiments.baselines.base import Baseline, fit_split
from reglab.tracking import record
from reglab.tracking.stage import Stage, StageBuilder
from reglab.training.one_seed import PARTS


def run_entry(settings, stage: StageBuilder) -> None:
    """Run the entry of params.yaml that the stage is about; `settings` are the `Params`."""
    data, baseline = prepared.read(Path("data/study")), settings.entry("baselines", stage.name)
    run(baseline, data, stage.build(data, {stage.name: baseline}, data=settings.data))


def run(baseline: Baseline, data: Prepared, stage: Stage) -> dict:
    """Fit the baseline to every seed's split and publish the record; returns its content."""
    with stage.journal() as entry:
        splits = {seed: data.split(seed) for seed in stage.seeds}
        predicted = {seed: predict(baseline, split) for seed, split in splits.items()}
        seeds = {
            str(seed): {"status": "finished", "metrics": record.seed_metrics(split, predicted[seed])}
            for seed, split in splits.items()
        }
        tested = [each["test"] for each in predicted.values()]
        return stage.publish(entry, {"seeds": seeds}, predicted=record.predictions(splits.values(), tested))


def predict(baseline: Baseline, split: Split) -> dict:
    """Predictions (examples, outputs) by part of the split."""
    parts = {part: split.inputs[part] for part in PARTS}
    return fit_split(baseline.estimator_for(split), split, parts)

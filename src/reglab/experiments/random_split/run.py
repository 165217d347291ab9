"""Trains a recipe on random splits of the study's data, of the sizes of the study's own splits, and publishes the record."""

from dataclasses import replace
from pathlib import Path

from reglab.data import prepared, splits
from reglab.data.prepared import Prepared
from reglab.data.splitting import duplicates
from reglab.tracking.stage import StageBuilder
from reglab.training import all_seeds
from reglab.training.one_seed import Recipe
from reglab.training.regularizer import name


def run_entry(settings, stage: StageBuilder) -> None:
    """Run the entry of params.yaml that the stage is about; `settings` are the `Params`."""
    data, (_, regularizers) = prepared.read(Path("data/study")), settings.recipe(stage.name)
    techniques = {name(regularizer): regularizer for regularizer in regularizers}
    recipe = Recipe(regularizers, settings.model, settings.training)
    mixed = at_random(data, settings.seeds, settings.data.label_noise)
    all_seeds.run(recipe, mixed, stage.build(data, techniques, **settings.shared()))


def at_random(data: Prepared, seeds: int, label_noise: float) -> Prepared:
    """The same examples with a stratified random split for every seed, of the sizes that the seed's own split has.

    Identical examples stay on one side here too: what is measured is the groups or the time, not copies.
    """
    labels, tensors, alike = data.tensors["labels"], dict(data.tensors), duplicates.of_inputs(data.inputs)
    for seed in range(seeds):
        sizes = {
            key: len(data.tensors[f"seed-{seed}/{part}"])
            for part, key in (("labelled", "train_size"), ("validation", "validation_size"), ("test", "test_size"))
        }
        parts = splits.split(labels, **sizes, seed=seed, duplicates=alike)
        tensors |= {f"seed-{seed}/{part}": rows for part, rows in parts.items()}
        tensors[f"seed-{seed}/given_labels"] = splits.add_label_noise(
            labels[parts["labelled"]], classes=data.classes, fraction=label_noise, seed=seed
        )
    return replace(data, tensors=tensors)

"""Trains an entry of `regularizers` or `combinations` with every seed, and publishes the record."""

from pathlib import Path

from reglab.data import prepared
from reglab.tracking.stage import StageBuilder
from reglab.training import all_seeds
from reglab.training.one_seed import Recipe
from reglab.training.regularizer import name


def run_entry(settings, stage: StageBuilder) -> None:
    """Run the entry of params.yaml that the stage is about; `settings` are the `Params`."""
    data, entry = prepared.read(Path("data/study")), settings.entry(stage.family, stage.name)
    regularizers = entry if isinstance(entry, tuple) else (entry,)
    techniques = {name(regularizer): regularizer for regularizer in regularizers}
    recipe = Recipe(regularizers, settings.model, settings.training)
    all_seeds.run(recipe, data, stage.build(data, techniques, **settings.shared()))

"""Stages `regime@<name>`: a recipe in every cell of the map. By hand: python pipelines/regime.py dropout"""

import stage


def main() -> None:
    from pathlib import Path

    from reglab.config import params
    from reglab.core import plain
    from reglab.data import prepared
    from reglab.experiments.regimes import run as regimes
    from reglab.tracking.stage import Stage
    from reglab.training.one_seed import Recipe

    settings, data = params.load(), prepared.read(Path("data/study"))
    name, grid = stage.name(), plain.settings(settings.regimes)
    regularizer = settings.entry("regularizers", name)
    axes = {axis: grid[axis] for axis in regimes.Cell._fields}
    about = stage.about(settings, "regimes", data, {name: regularizer}, regimes=axes, **settings.shared())
    recipe = Recipe((regularizer,), settings.model, settings.training, data.classes)
    regimes.run(recipe, regimes.cells(**axes), data, Stage(about, **stage.options(settings)))


if __name__ == "__main__":
    stage.run(main)

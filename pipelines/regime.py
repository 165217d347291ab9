"""Stages `regime@<name>`: a recipe in every cell of the map. By hand: python pipelines/regime.py dropout"""

import stage


def main() -> None:
    from pathlib import Path

    from reglab import params, regimes
    from reglab.data import prepared
    from reglab.fitting import Recipe
    from reglab.stage import Stage

    settings, data = params.load(), prepared.read(Path("data/study"))
    name, grid = stage.name(), params.settings(settings.regimes)
    regularizer = settings.entry("regularizers", name)
    axes = {axis: grid[axis] for axis in regimes.Cell._fields}
    about = stage.about(settings, "regimes", data, {name: regularizer}, regimes=axes, **settings.shared())
    recipe = Recipe((regularizer,), settings.model, settings.training, data.classes)
    regimes.run(recipe, regimes.cells(**axes), data, Stage(about, **stage.options(settings)))


if __name__ == "__main__":
    stage.run(main)
